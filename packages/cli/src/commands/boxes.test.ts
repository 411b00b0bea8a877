import type { Box, LogLine } from '@updraft/api/shapes'
import { DEFAULT_BOX_FORM } from '@updraft/core'
import { expect, test } from 'vitest'
import { start } from '../testing/start.ts'

const usual = structuredClone(DEFAULT_BOX_FORM) as Box['form']

/** sensor-1 is a box, and what is set for it stays. */
async function withBox(more: Partial<Box> = {}) {
  const started = await start()
  const { server, device } = started
  let box: Box = {
    deviceId: device.id,
    name: device.name,
    kind: 'updraft',
    form: usual,
    series: '17.0',
    held: [],
    canRestart: true,
    wishes: [],
    ...more,
  }
  server.answers.showBox = () => box
  server.answers.setBoxForm = ({ body }) => {
    box = { ...box, form: body as Box['form'] }
    return box
  }
  server.answers.restartBox = () => undefined
  server.answers.loadHandlers = () => undefined
  const form = (...words: string[]) => started.updraft('box', 'form', 'sensor-1', ...words)
  return { ...started, form }
}

test('the form of a box is shown as it is, and nothing is set by that', async () => {
  const { form, server } = await withBox()
  const { stdout, code } = await form()
  expect(code).toBe(0)
  expect(stdout).toBe(
    `Series                    17.0
Automatic drivers update  yes
Windows                   always
Layer handlers            stable, automatic
Layer code                stable, automatic
Layer image               stable, by button
Code from                 upstream
`,
  )
  expect(server.calls.map(({ name }) => name)).not.toContain('setBoxForm')
})

test('what is not said in flags stays as it was', async () => {
  const { form, server } = await withBox()
  await form('--hold', 'Christmas trade', '--until', '2026-12-27')
  expect(server.calls.at(-1)?.body).toEqual({
    ...usual,
    hold: { reason: 'Christmas trade', until: '2026-12-27T00:00:00.000Z' },
  })
  const { stdout } = await form('--automatic-drivers', 'no')
  expect(stdout).toMatch(/^Hold +Christmas trade; it ends /m)
  await form('--layer', 'image', '--channel', 'beta', '--updates', 'automatic')
  await form('--release-hold', '--code-from', 'server', '--windows', 'Mon-Fri 22:00-04:00')
  expect(server.calls.at(-1)?.body).toEqual({
    ...usual,
    automaticDriversUpdate: false,
    windows: 'Mon-Fri 22:00-04:00',
    codeFrom: 'server',
    layers: { ...usual.layers, image: { channel: 'beta', updates: 'automatic' } },
  })
})

test.each([
  ['an end without a hold', ['--until', '2026-12-27'], '--until goes with --hold'],
  ['a hold and its end at once', ['--hold', 'x', '--release-hold'], 'not both'],
  ['a channel of no layer', ['--channel', 'beta'], 'go with --layer'],
  ['a layer there is not', ['--layer', 'firmware'], 'handlers, code'],
  ['windows nobody can read', ['--windows', 'now and then'], 'now and then'],
])('%s is refused before anything is set', async (_, words, complaint) => {
  const { form, server } = await withBox()
  const { code, stderr } = await form(...words)
  expect(code).not.toBe(0)
  expect(stderr).toContain(complaint)
  expect(server.calls.map(({ name }) => name)).not.toContain('setBoxForm')
})

test('a box is asked to restart and to load its handlers', async () => {
  const { updraft, server, device } = await withBox()
  expect(await updraft('box', 'restart', 'sensor-1')).toMatchObject({
    code: 0,
    stdout: 'Asked sensor-1 to restart.\n',
  })
  expect(await updraft('box', 'load-handlers', 'sensor-1')).toMatchObject({
    code: 0,
    stdout: 'Asked sensor-1 to load its handlers.\n',
  })
  const asked = server.calls.filter(({ name }) => name === 'restartBox' || name === 'loadHandlers')
  expect(asked.map(({ name, params }) => [name, params])).toEqual([
    ['restartBox', { id: device.id }],
    ['loadHandlers', { id: device.id }],
  ])
})

test('what a device logged is listed, of the level that is wanted', async () => {
  const { updraft, server } = await start()
  const at = '2026-03-01T12:00:00.000Z'
  const line: LogLine = { id: '7', at, receivedAt: at, level: 'warn', message: 'The scale is hot.' }
  server.answers.listLogLines = () => ({ items: [line], nextCursor: null })
  const { stdout } = await updraft('device', 'log-lines', 'sensor-1', '--level', 'warn')
  expect(stdout).toContain('warn   The scale is hot.')
  expect(server.calls.at(-1)?.query).toMatchObject({ level: 'warn' })
  server.answers.listLogLines = () => ({ items: [], nextCursor: null })
  expect(await updraft('device', 'log-lines', 'sensor-1')).toMatchObject({
    code: 0,
    stdout: 'sensor-1 logged nothing.\n',
  })
})

test('what a release needs of other layers is said where it is added', async () => {
  const { updraft, server } = await start()
  const url = 'https://files.example/handlers.zip'
  const words = ['package', 'add', '--url', url, '--title', 'h', '--version', '2', '--size', '9']
  const about = [...words, '--type', 'handlers', '--profile', 'Sensor']
  const said = ['--needs', 'image=>= 24.10', '--needs', 'code=~> 17.0']
  expect((await updraft(...about, ...said)).code).toBe(0)
  expect(server.calls.find(({ name }) => name === 'createRelease')?.body).toMatchObject({
    needs: { image: '>= 24.10', code: '~> 17.0' },
  })
  const { code, stderr } = await updraft(...about, '--needs', 'image')
  expect(code).not.toBe(0)
  expect(stderr).toContain('--needs "image" is not written like')
})
