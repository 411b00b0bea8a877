/** hawkBit's Direct Device Integration API as its clients use it, against the platform. */
import { createHash } from 'node:crypto'
import type { DeploymentDocument } from '@updraft/wire/hawkbit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { random } from './firmware.ts'
import { actionIn, type HawkbitDevice, hawkbitDevice } from './hawkbit-device.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

const added = async (name: string, profile: string, userAgent?: string): Promise<HawkbitDevice> => {
  const token = await platform.addDevice(name, profile)
  const authorization = `TargetToken ${token}`
  return hawkbitDevice({ url: platform.url, controllerId: name, authorization, userAgent })
}

const digest = (algorithm: string, bytes: Uint8Array) =>
  createHash(algorithm).update(bytes).digest('hex')

test('a device is told of a release, fetches it, reports, and has it', async () => {
  await platform.addProfile('round')
  const device = await added('round-1', 'round')
  const first = await device.poll()
  expect(first).toEqual({
    config: { polling: { sleep: expect.stringMatching(/^\d\d:\d\d:\d\d$/) } },
    _links: { configData: { href: `${device.base}/configData` } },
  })
  const put = await device.ask('PUT', '/configData', { body: { data: { hwRevision: '2' } } })
  expect([put.status, put.text]).toEqual([200, ''])
  expect((await device.poll())._links).toBeUndefined()
  expect(await platform.device('round-1')).toMatchObject({
    dialect: 'hawkbit',
    inventory: { attributes: { hwRevision: '2' }, hawkbit: { client: 'ddi' } },
  })

  const bytes = random(100_000)
  const release = { title: 'rootfs', version: '2.0.0', profile: 'round', bytes }
  await platform.assign(await platform.addRelease({ ...release, fileName: 'root fs.img' }), {
    profile: 'round',
  })
  const link = await device.linked('deploymentBase')
  const id = actionIn(link)
  expect(link).toMatch(/\/default\/controller\/v1\/round-1\/deploymentBase\/\d+\?c=-?\d+$/)
  const { json } = await device.ask('GET', link ?? '')
  const document = json as DeploymentDocument
  const artifact = document.deployment?.chunks[0]?.artifacts[0]
  const file = artifact?._links['download-http']?.href ?? ''
  expect(document).toEqual({
    id,
    deployment: {
      download: 'forced',
      update: 'forced',
      chunks: [
        {
          part: 'os',
          version: '2.0.0',
          name: 'rootfs',
          artifacts: [
            {
              filename: 'root fs.img',
              size: 100_000,
              hashes: {
                sha1: digest('sha1', bytes),
                md5: digest('md5', bytes),
                sha256: digest('sha256', bytes),
              },
              _links: {
                'download-http': { href: expect.stringMatching(/\/artifacts\/root%20fs\.img$/) },
                'md5sum-http': { href: `${file}.MD5SUM` },
              },
            },
          ],
        },
      ],
    },
  })
  expect((await platform.device('round-1')).operation?.state).toBe('INITIATED')

  const md5 = await device.ask('GET', `${file}.MD5SUM`)
  expect(md5.text).toBe(`${digest('md5', bytes)}  root fs.img`)
  const whole = await fetch(file, { headers: device.shows })
  expect(Buffer.from(await whole.arrayBuffer())).toEqual(Buffer.from(bytes))
  await platform.until('round-1', ({ operation }) => operation?.state === 'DOWNLOADED')

  expect((await device.feedback(id, 'proceeding', 'none')).status).toBe(200)
  expect((await platform.device('round-1')).operation?.state).toBe('UPDATING')
  const closed = await device.feedback(id, 'closed', 'success', { details: ['done'] })
  expect([closed.status, closed.text]).toEqual([200, ''])
  expect(await platform.device('round-1')).toMatchObject({
    installed: { firmware: { title: 'rootfs', version: '2.0.0' } },
    operation: { state: 'UPDATED' },
  })
  expect((await device.poll())._links).toEqual({
    installedBase: { href: `${device.base}/installedBase/${id}` },
    configData: { href: `${device.base}/configData` },
  })
  const installed = await device.ask('GET', `/installedBase/${id}?actionHistory=5`)
  expect(installed.json).toMatchObject({
    id,
    actionHistory: { status: 'FINISHED', messages: ['done'] },
  })
})
