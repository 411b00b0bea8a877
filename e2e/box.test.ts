/**
 * The real program of a box against the real server: handlers in Node, code from a real repository, an image in the
 * simulator's slots. What a box is for: three layers come, go back, and outlive what happens to them.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { archiveOf } from '@updraft/agent/box/handlers/archive.test-helper'
import type { BoxForm } from '@updraft/api/shapes'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type BoxProcess,
  boxProcess,
  type CodeRepository,
  codeRepository,
  imageBytes,
  service,
} from './box-process.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { run } from './program.ts'

/** Each box starts several programs, on machines that may be busy. */
vi.setConfig({ testTimeout: 240_000 })

let platform: TestPlatform
let profileId: string
let folder: string
let code: CodeRepository
let boxes: BoxProcess[] = []

beforeAll(async () => {
  platform = await testPlatform()
  profileId = await platform.addProfile('Kassa')
  await platform.api('setBoxServer', {
    params: { id: profileId },
    body: { url: 'https://boxes.example', series: '17.0' },
  })
  folder = await mkdtemp(join(tmpdir(), 'updraft-code-'))
  code = await codeRepository(folder)
  await code.commit('17.0', service('seventeen'))
  await code.commit('18.0', service('eighteen'))
  for (const version of ['2026.1', '2026.2']) {
    await platform.addRelease({
      title: 'handlers',
      version,
      profile: 'Kassa',
      type: 'handlers',
      bytes: handlers(version),
      fileName: 'handlers.zip',
    })
  }
  await platform.addRelease({
    title: 'handlers',
    version: '2026.3',
    profile: 'Kassa',
    type: 'handlers',
    bytes: new Uint8Array(archiveOf({ 'drivers/scale.mjs': 'export const broken = [' })),
    fileName: 'handlers.zip',
  })
  for (const version of ['25.1.0', '25.2.0']) {
    await platform.addRelease({
      title: 'image',
      version,
      profile: 'Kassa',
      type: 'image',
      bytes: imageBytes(version),
      fileName: 'image.img',
    })
  }
})
afterEach(async () => {
  await Promise.all(boxes.map((box) => box.remove()))
  boxes = []
})
afterAll(async () => {
  await platform.stop()
  await rm(folder, { recursive: true, force: true })
})

const handlers = (version: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    archiveOf({
      'drivers/scale.mjs': `export const pollSeconds = 0.1
export const devices = async () => [{ id: 'scale-1', name: 'Scale ${version}', type: 'scale' }]`,
    }),
  )

const release = async (title: string, version: string): Promise<string> => {
  const { items } = await platform.api('listReleases', { query: { title } })
  const found = items.find((item) => item.version === version)
  if (!found) throw new Error(`there is no ${title}@${version}`)
  return found.id
}

const assign = async (device: string, title: string, version: string) =>
  platform.assign(await release(title, version), { device }, title)

async function box(name: string, ...flags: string[]): Promise<BoxProcess> {
  const token = await platform.addDevice(name, 'Kassa')
  const started = await boxProcess(
    ['--server', platform.url, '--wait-seconds', '2', '--max-back-off-seconds', '1', ...flags],
    { UPDRAFT_DEVICE_TOKEN: token },
  )
  boxes.push(started)
  return started
}

const set = async (name: string, form: Partial<BoxForm>) => {
  const { id } = await platform.device(name)
  await platform.api('setBoxForm', { params: { id }, body: form })
}

const reached = ({ contact }: { contact: { state: string } }) => contact.state === 'reached'

describe('three layers', () => {
  test('come from the server and from upstream, and go back one by one', async () => {
    const own = await box('all', '--code-upstream', code.url)
    await assign('all', 'handlers', '2026.1')
    const first = await own.until(
      ({ layers }) => layers.handlers.active?.version === '2026.1' && layers.code.active !== null,
    )
    expect(first.layers.code.active?.version).toMatch(/^17\.0/)
    expect(first.kind).toBe('physical')
    await assign('all', 'handlers', '2026.2')
    const second = await own.until(({ layers }) => layers.handlers.active?.version === '2026.2')
    expect(second.layers.handlers.previous?.version).toBe('2026.1')
    await own.until(({ layers }) =>
      JSON.stringify(layers.handlers.details).includes('Scale 2026.2'),
    )

    // A newer commit comes by the button; then back, and the box says so.
    await own.until(({ job }) => job === null)
    const before = await own.runs('code')
    await code.commit('17.0', service('seventeen, mended'))
    expect((await own.press('update-code')).status).toBe(200)
    await own.until(({ layers }) => layers.code.previous?.version === before)
    await own.until(({ job }) => job === null)
    expect((await own.press('roll-back', { layer: 'code' })).status).toBe(200)
    await own.until(({ layers, job }) => layers.code.active?.version === before && !job)
    expect((await own.press('roll-back', { layer: 'handlers' })).status).toBe(200)
    await own.until(({ layers }) => layers.handlers.active?.version === '2026.1')

    // It is still meant for the box, and comes again when somebody there asks for it.
    const back = await own.until(({ layers }) => layers.handlers.waiting !== null)
    expect(back.layers.handlers.active?.version).toBe('2026.1')
    expect(back.layers.handlers.waiting).toMatchObject({ version: '2026.2', comesIfAsked: true })
    await own.until(({ job }) => job === null)
    expect((await own.press('load-handlers')).status).toBe(200)
    await own.until(({ layers }) => layers.handlers.active?.version === '2026.2')
  })

  test('an image waits for the button, is started once on trial, and stays', async () => {
    const own = await box('image')
    await own.until(reached)
    await assign('image', 'image', '25.1.0')
    const waiting = await own.until(({ layers }) => layers.image.waiting !== null)
    expect(waiting.layers.image.waiting).toMatchObject({ version: '25.1.0', comesIfAsked: true })
    expect((await own.press('upgrade-image')).status).toBe(200)
    const done = await own.until(
      ({ layers, phase }) => layers.image.active?.version === '25.1.0' && phase === 'running',
    )
    expect(done.start).not.toBe(waiting.start)
    await platform.until('image', ({ operation }) => operation?.state === 'UPDATED')
    expect((await own.until(({ latest }) => latest !== null)).latest).toMatchObject({
      kind: 'upgrade-image',
      result: 'updated',
      by: 'page',
    })
  })

  test('an image goes back to the one in the other slot, and stays there until it is asked for', async () => {
    const own = await box('slots')
    const upgrade = async (version: string) => {
      await assign('slots', 'image', version)
      await own.until(({ layers, job }) => layers.image.waiting?.version === version && !job)
      expect((await own.press('upgrade-image')).status).toBe(200)
      await own.until(
        ({ layers, phase, job }) =>
          layers.image.active?.version === version && phase === 'running' && !job,
      )
      await platform.until('slots', ({ operation }) => operation?.state === 'UPDATED')
    }
    await own.until(reached)
    await upgrade('25.1.0')
    await upgrade('25.2.0')
    const { start, layers } = await own.status()
    expect(layers.image.previous?.version).toBe('25.1.0')
    expect((await own.press('roll-back', { layer: 'image' })).status).toBe(200)
    const back = await own.until(
      (status) =>
        status.layers.image.active?.version === '25.1.0' &&
        status.start !== start &&
        status.layers.image.waiting !== null,
    )
    expect(back.layers.image.waiting).toMatchObject({ version: '25.2.0', comesIfAsked: true })
  })
})

describe('what an operator sets is held to', () => {
  test('automatic off and a restart change nothing; the button does', async () => {
    const own = await box('button')
    await assign('button', 'handlers', '2026.1')
    await own.until(({ layers }) => layers.handlers.active?.version === '2026.1')
    await set('button', { automaticDriversUpdate: false })
    await assign('button', 'handlers', '2026.2')
    await own.until(({ layers }) => layers.handlers.waiting?.version === '2026.2')
    const { start } = await own.status()
    expect((await own.press('restart', { what: 'program' })).status).toBe(200)
    const again = await own.until((status) => status.start !== start && reached(status))
    expect(again.latest).toMatchObject({ kind: 'restart', result: 'done' })
    await own.until(({ layers }) => layers.handlers.waiting?.version === '2026.2')
    expect(await own.runs('handlers')).toBe('2026.1')
    expect((await own.press('load-handlers')).status).toBe(200)
    await own.until(({ layers }) => layers.handlers.active?.version === '2026.2')
  })

  test('a box that is held takes nothing, not by the button either', async () => {
    const own = await box('held')
    await own.until(reached)
    await set('held', { hold: { reason: 'a fair', until: null } })
    await own.until(({ held }) => held !== null)
    const { status, body } = await own.press('load-handlers')
    expect([status, body.error]).toEqual([409, 'An operator holds this box: a fair'])
  })

  test('another series, and the code follows', async () => {
    const name = 'series'
    const own = await box(name, '--code-upstream', code.url)
    await own.until(({ layers }) => layers.code.active?.version.startsWith('17.0') === true)
    const body = { url: 'https://boxes.example', series: '18.0' }
    await platform.api('setBoxServer', { params: { id: profileId }, body })
    try {
      await own.until(({ layers }) => layers.code.active?.version.startsWith('18.0') === true)
    } finally {
      await platform.api('setBoxServer', {
        params: { id: profileId },
        body: { ...body, series: '17.0' },
      })
    }
  })
})

describe('whatever happens', () => {
  test('broken handlers fail with the file and the reason, and those before run on', async () => {
    const own = await box('broken')
    await assign('broken', 'handlers', '2026.1')
    await own.until(({ layers }) => layers.handlers.active?.version === '2026.1')
    await assign('broken', 'handlers', '2026.3')
    const { layers } = await own.until(
      ({ layers }) => layers.handlers.last?.about === 'handlers@2026.3',
    )
    expect(layers.handlers.last?.because).toContain('scale.mjs')
    expect(layers.handlers.active?.version).toBe('2026.1')
    const device = await platform.until('broken', ({ operation }) => operation?.state === 'FAILED')
    expect(device.operation?.error).toContain('scale.mjs')
  })

  test('killed in the middle, it goes on where it was and does so once', async () => {
    const own = await box('killed', '--max-bytes-per-second', '60000')
    await own.until(reached)
    await assign('killed', 'image', '25.1.0')
    await own.until(({ layers }) => layers.image.waiting !== null)
    await own.press('upgrade-image')
    await own.until(({ job }) => (job?.progress?.bytes ?? 0) > 50_000)
    await own.kill()
    await own.start()
    const { latest } = await own.until(
      ({ layers, latest }) => layers.image.active?.version === '25.1.0' && latest !== null,
    )
    expect(latest).toMatchObject({
      kind: 'upgrade-image',
      result: 'updated',
      by: 'page',
      note: 'It was cut off by a restart and went on.',
    })
  })

  test('a server that is away leaves the box as it is, and is told what was logged meanwhile', async () => {
    const own = await box('away')
    await assign('away', 'handlers', '2026.1')
    await own.until(({ layers }) => layers.handlers.active?.version === '2026.1')
    const { id } = await platform.device('away')
    await platform.restart()
    await own.until(reached)
    await own.press('check-now')
    await expect
      .poll(async () => {
        const { items } = await platform.api('listLogLines', { params: { id }, query: {} })
        return items.map(({ message }) => message).join('\n')
      })
      .toContain('handlers@2026.1')
  })

  test('two boxes on one folder: the second ends with 3 and says why', async () => {
    const own = await box('two')
    const state = join(own.folder, 'state')
    const second = await run('updraft-agent', ['box', '--state', state, '--home-port', '0'])
    expect(second.exitCode).toBe(3)
    expect(second.stderr).toContain('Another agent')
    const during = await run('updraft-agent', ['box', 'import', '/dev/null', '--state', state])
    expect([during.exitCode, during.stderr]).toEqual([3, expect.stringContaining('use its page')])
  })

  test('a box token on the page is enough: it registers, and belongs to the server', async () => {
    await platform.api('enableProvisioning', {
      params: { id: profileId },
      body: { key: 'kassa-key', secret: 'kassa-secret', claimsAtOnce: true },
    })
    const own = await boxProcess(['--box-id', 'KASSA-9', '--wait-seconds', '2'])
    boxes.push(own)
    expect((await own.status()).server).toBeNull()
    expect((await own.press('load-handlers')).status).toBe(409)
    const token = `${platform.url}/?token=kassa-key&db_uuid=x&enterprise_code=none`
    expect((await own.press('server', { token })).status).toBe(200)
    await own.until(reached)
    await assign('KASSA-9', 'handlers', '2026.1')
    await own.until(({ layers }) => layers.handlers.active?.version === '2026.1')

    const state = join(own.folder, 'state')
    const shown = await run('updraft-agent', ['box', 'export', '--state', state])
    expect(JSON.parse(shown.stdout)).toMatchObject({ server: { url: platform.url } })
    expect(shown.stdout).not.toContain('kassa-key')
    const whole = await run('updraft-agent', ['box', 'export', '--with-secrets', '--state', state])
    expect(await readFile(join(state, 'config.json'), 'utf8')).toBe(whole.stdout)
  })
})
