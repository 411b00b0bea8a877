import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDeviceFolder, WrongFolder } from './device-folder.ts'
import { temporaryFolder } from './test-bench.test-helper.ts'

const DEVICE = `// who it is
{
  id: 'DEV0000001', product: 'PROD1', name: 'Lamp', /* of our own */ memory: 256,
  loc: { room: 'x', floor: 2 },
}`

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(await temporaryFolder(), 'config')
  await mkdir(folder)
  for (const [name, text] of Object.entries(files))
    await writeFile(join(folder, `${name}.json5`), text)
  return folder
}

test('the files say who the device is, where it registers and when it does what', async () => {
  const folder = await folderOf({
    device: DEVICE,
    ioto: `{
      version: '1.2.3',
      api: { builder: 'https://updates.example/api' },
      scripts: { update: 'scripts/update' },
      tls: { authority: '@certs/our-ca.crt' },
      update: { enable: true, schedule: 'midnight', period: '24 hrs', jitter: '1 hr', apply: '* 2-4 * * *', throttle: 20 },
      timeouts: { api: '45 secs' },
    }`,
  })
  const found = readDeviceFolder(folder)
  expect(found).toEqual({
    properties: {
      id: 'DEV0000001',
      product: 'PROD1',
      name: 'Lamp',
      memory: 256,
      loc: { room: 'x', floor: 2 },
    },
    place: null,
    authorityFile: join(folder, '../certs/our-ca.crt'),
    settings: {
      'device-id': 'DEV0000001',
      product: 'PROD1',
      server: 'https://updates.example/api',
      uplink: 'ioto',
      installed: 'firmware=1.2.3',
      'install-script': 'scripts/update',
      'check-window': 'midnight',
      'apply-window': '* 2-4 * * *',
      'interval-seconds': '86400',
      'fixed-interval': 'yes',
      'jitter-seconds': '3600',
      'throttle-ms': '20',
      'answer-seconds': '45',
    },
  })
})

test('local.json5 lies over the profile, and the profile over the rest', async () => {
  const folder = await folderOf({
    device: DEVICE,
    ioto: `{
      profile: 'dev',
      update: { period: '24 hrs', schedule: 'day', apply: 'day' },
      conditional: { profile: {
        dev: { update: { schedule: 'anytime' } },
        prod: { update: { schedule: 'night', apply: 'night' } },
      } },
    }`,
    local: `{ profile: 'prod', update: { apply: 'midnight' }, device: { loc: { room: 'y' } } }`,
  })
  const { settings, properties } = readDeviceFolder(folder)
  expect(settings).toMatchObject({
    'check-window': 'night',
    'apply-window': 'midnight',
    'interval-seconds': '86400',
  })
  expect(properties.loc).toEqual({ room: 'y', floor: 2 })
})

test('what the registration said is known at the next start', async () => {
  const folder = await folderOf({
    device: `{ product: 'PROD1' }`,
    provision: `{ registered: true, id: 'D9', api: 'https://cloud.example/ioto', token: 'T' }`,
  })
  const { place, settings } = readDeviceFolder(folder)
  expect(place).toEqual({ api: 'https://cloud.example/ioto', token: 'T' })
  expect(settings).toMatchObject({ 'device-id': 'D9', server: 'https://cloud.example/ioto' })
})

test.each([`update: { enable: false }`, `services: { update: false }`])(
  'with %s it never asks',
  async (text) => {
    const folder = await folderOf({ device: DEVICE, ioto: `{ ${text} }` })
    expect(readDeviceFolder(folder).settings['check-window']).toBe('never')
  },
)

test.each([
  [{}, 'holds neither device.json5 nor ioto.json5'],
  [{ device: '{' }, 'device.json5 is no object in JSON5'],
  [{ ioto: '[]' }, 'ioto.json5 is no object in JSON5'],
  [{ ioto: `{ update: { schedule: 'noon' } }` }, 'schedule: "noon" cannot be used'],
  [{ ioto: `{ update: { period: 'often' } }` }, 'period: "often" cannot be used'],
])('%j is refused in a sentence', async (files, words) => {
  const folder = await folderOf(files as Record<string, string>)
  expect(() => readDeviceFolder(folder)).toThrow(WrongFolder)
  expect(() => readDeviceFolder(folder)).toThrow(words)
  await expect(readFile(join(folder, 'provision.json5'))).rejects.toThrow()
})
