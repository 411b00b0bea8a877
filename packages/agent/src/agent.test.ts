import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { someBytes, TOKEN } from './fake-server.test-helper.ts'
import {
  HandClock,
  OLD,
  quickAgent,
  startServer,
  temporaryFolder,
} from './test-bench.test-helper.ts'
import type { Uplink } from './uplink.ts'
import { updraftUplink } from './uplinks/updraft.ts'

const statesOf = (reports: readonly { state: string }[]) => [
  ...new Set(reports.map(({ state }) => state)),
]

test('an update goes from check-in to UPDATED, and the next check-in tells the new version', async () => {
  const server = await startServer()
  const { bytes } = server.offer()
  const { agent, installed, stateFolder } = await quickAgent(server)
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(installed).toEqual([bytes])
  expect(statesOf(server.reports)).toEqual([
    'DOWNLOADING',
    'DOWNLOADED',
    'VERIFIED',
    'UPDATING',
    'UPDATED',
  ])
  expect(server.state()).toBe('UPDATED')
  expect(server.checkIns.at(-1)?.installed).toEqual({
    firmware: { title: 'app', version: '1.1.0' },
  })
  expect(await readdir(join(stateFolder, 'downloads'))).toEqual([])
  expect(await readdir(stateFolder)).not.toContain('lock')
})

test('several offers are carried out one after the other', async () => {
  const server = await startServer()
  server.offer({ id: 'a' })
  server.offer({ id: 'b', type: 'software', title: 'maps', bytes: someBytes(10, 7) })
  const { agent, installed } = await quickAgent(server)
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 2 })
  expect(installed.length).toBe(2)
  expect([server.state('a'), server.state('b')]).toEqual(['UPDATED', 'UPDATED'])
})

test('a component type without an installer fails with that reason', async () => {
  const server = await startServer()
  server.offer({ type: 'sensor' })
  const { agent } = await quickAgent(server, { installers: {} })
  expect((await agent.run({ once: true })).kind).toBe('failed')
  expect(server.error()).toBe('this agent has no installer for sensor')
})

test('without a listener for device:update the update fails and says so', async () => {
  const server = await startServer()
  server.offer()
  const { agent } = await quickAgent(server)
  agent.removeAllListeners('device:update')
  await agent.run({ once: true })
  expect(server.error()).toBe('nobody listens to device:update')
})

test('what the host program answers is what the server hears', async () => {
  const server = await startServer()
  server.offer()
  const { agent } = await quickAgent(server, { installers: undefined })
  agent.removeAllListeners('device:update')
  agent.on('device:update', ({ respond }) => respond({ failed: 'no battery' }))
  await agent.run({ once: true })
  expect(server.error()).toBe('no battery')
})

test.each([
  ['the new version comes up', '1.1.0', 'UPDATED', null],
  [
    'the old version comes back',
    '1.0.0',
    'FAILED',
    'came back with app@1.0.0 after installing app@1.1.0',
  ],
  [
    'another version comes up',
    '0.9.0',
    'FAILED',
    'came back with app@0.9.0 after installing app@1.1.0',
  ],
])('after an exit, %s: %s ends as %s', async (_, version, state, error) => {
  const server = await startServer()
  server.offer()
  const first = await quickAgent(server)
  first.agent.removeAllListeners('device:update')
  first.agent.on('device:update', ({ respond }) => respond('exit'))
  expect(await first.agent.run({ once: true })).toEqual({ kind: 'exit' })
  expect(server.state()).toBe('UPDATING')

  const { stateFolder } = first
  const askInstalled = async () => ({ firmware: { title: null, version } })
  const second = await quickAgent(server, { stateFolder, askInstalled })
  await second.agent.run({ once: true })
  expect(second.installed).toEqual([])
  expect([server.state(), server.error()]).toEqual([state, error])
})

test('a new image that names its version in its settings is recognised', async () => {
  const server = await startServer()
  server.offer()
  const first = await quickAgent(server)
  first.agent.removeAllListeners('device:update')
  first.agent.on('device:update', ({ respond }) => respond('exit'))
  await first.agent.run({ once: true })
  const installed = { firmware: { title: 'app', version: '1.1.0' } }
  const second = await quickAgent(server, { stateFolder: first.stateFolder, installed })
  await second.agent.run({ once: true })
  expect(server.state()).toBe('UPDATED')
})

test('a machine that has not restarted is asked again; one that has, and is the old one, has failed', async () => {
  const server = await startServer()
  server.offer()
  let asked = 0
  const restart = async () => {
    asked += 1
  }
  const first = await quickAgent(server, { restart, bootId: 'one' })
  first.agent.removeAllListeners('device:update')
  first.agent.on('device:update', ({ respond }) => respond('restart'))
  const { stateFolder } = first
  expect(await first.agent.run({ once: true })).toEqual({ kind: 'restart' })
  const same = await quickAgent(server, { restart, bootId: 'one', stateFolder })
  expect(await same.agent.run({ once: true })).toEqual({ kind: 'restart' })
  expect(asked).toBe(2)
  const other = await quickAgent(server, { restart, bootId: 'two', stateFolder })
  expect((await other.agent.run({ once: true })).kind).toBe('failed')
  expect(asked).toBe(2)
  expect(server.error()).toBe('came back with app@1.0.0 after installing app@1.1.0')
})

test.each([404, 409])(
  'a %s to the final report is an acknowledgement: it is over',
  async (status) => {
    const server = await startServer()
    server.offer()
    const { agent, stateFolder } = await quickAgent(server)
    agent.on('progress', ({ state }) => {
      if (state === 'UPDATING')
        agent.once('device:update', () => server.faults.report.push({ status }))
    })
    expect((await agent.run({ once: true })).kind).toBe('idle')
    expect(await readFile(join(stateFolder, 'installed.json'), 'utf8')).toContain('1.1.0')
  },
)

test('an operation cancelled while it is fetched is dropped, with its file', async () => {
  const server = await startServer()
  server.offer()
  server.faults.stallAfter = [40_000]
  const { agent, installed, stateFolder } = await quickAgent(server, { stallSeconds: 30 })
  agent.once('progress', () => server.cancel('op-1'))
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 0 })
  expect(installed).toEqual([])
  expect(await readdir(join(stateFolder, 'downloads'))).toEqual([])
  expect(server.state()).toBe('CANCELED')
})

test('a final report waits for the server to come back, however long', async () => {
  const server = await startServer()
  server.offer()
  const { agent, clock } = await quickAgent(server)
  agent.on('device:update', () => {
    server.faults.report = [500, 502, 503, 503].map((status) => ({
      status,
      headers: { 'retry-after': '900' },
    }))
  })
  await agent.run({ once: true })
  expect(server.state()).toBe('UPDATED')
  expect(clock.waits.filter((ms) => ms >= 900_000).length).toBeGreaterThanOrEqual(3)
})

test('a server that restarts in the middle of a download is found again', async () => {
  const server = await startServer()
  const { bytes } = server.offer({ bytes: someBytes(300_000) })
  server.faults.stallAfter = [100_000]
  const { agent, installed } = await quickAgent(server)
  agent.on('progress', async ({ progressPercent }) => {
    if (progressPercent < 15 || progressPercent > 40) return
    agent.removeAllListeners('progress')
    await server.down()
    await server.up()
  })
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(installed).toEqual([bytes])
})

test('a refused token is tried seldom, and never in a busy loop', async () => {
  const server = await startServer()
  server.faults.checkIn = [401, 401, 401].map((status) => ({ status }))
  const { agent, clock } = await quickAgent(server, { random: () => 0.999 })
  server.once('check-in', () => agent.stop())
  await agent.run()
  expect(clock.waits.slice(0, 3).map((ms) => Math.round(ms / 1000))).toEqual([300, 599, 1199])
})

test('a server that has forgotten how an operation ended is told again, and nothing is installed', async () => {
  const server = await startServer()
  server.offer()
  const { agent, stateFolder } = await quickAgent(server, { installers: {} })
  expect((await agent.run({ once: true })).kind).toBe('failed')
  server.offer()
  const later = await quickAgent(server, { stateFolder })
  expect(await later.agent.run({ once: true })).toEqual({ kind: 'idle', updated: 0 })
  expect(later.installed).toEqual([])
  expect(server.error()).toBe('this agent has no installer for firmware')
})

test('the server names the time of the next check-in, and is asked to hold the answer', async () => {
  const server = await startServer()
  server.nextCheckInSeconds = 100
  const { agent, clock } = await quickAgent(server, { random: () => 0.5, waitSeconds: 60 })
  const [checkIn] = await Promise.all([once(server, 'check-in'), stopAfter(2)])
  expect(checkIn[0]).toMatchObject({ wait: 'wait=60', installed: OLD })
  expect(clock.waits[0]).toBe(100_000)

  async function stopAfter(checkIns: number) {
    let count = 0
    server.on('check-in', () => {
      count += 1
      if (count === checkIns) agent.stop()
    })
    await agent.run()
  }
})

test('whoever is told without asking checks in as soon as there is news, and hangs up at the end', async () => {
  const server = await startServer()
  const clock = new HandClock()
  let tell = () => {}
  let checkIns = 0
  let isHungUp = false
  const uplink: Uplink = {
    ...updraftUplink({ server: server.url, token: async () => TOKEN }),
    checkIn: async () => {
      checkIns += 1
      return { offers: [], nextCheckInSeconds: null, wasHeld: false }
    },
    news: () =>
      new Promise((resolve) => {
        tell = resolve
      }),
    hangUp: async () => {
      isHungUp = true
    },
  }
  const { agent } = await quickAgent(server, { uplink, clock })
  const ended = agent.run()
  for (const time of [1, 2, 3]) {
    await once(agent, 'waiting')
    expect([checkIns, isHungUp]).toEqual([time, false])
    tell()
  }
  await once(agent, 'waiting')
  // Without news it is time that brings the next one.
  clock.advance(2 * 3_600_000)
  await once(agent, 'waiting')
  expect(checkIns).toBe(5)
  agent.stop()
  expect(await ended).toEqual({ kind: 'stopped' })
  expect(isHungUp).toBe(true)
})

test('an install that fails because everything is being stopped is taken up again', async () => {
  const server = await startServer()
  server.offer()
  const first = await quickAgent(server)
  first.agent.removeAllListeners('device:update')
  first.agent.on('device:update', ({ respond }) => {
    first.agent.stop()
    respond({ failed: 'was ended by SIGTERM' })
  })
  expect(await first.agent.run()).toEqual({ kind: 'stopped' })
  const second = await quickAgent(server, { stateFolder: first.stateFolder })
  expect(await second.agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(second.installed.length).toBe(1)
  expect(server.moves('FAILED')).toBe(0)
})

test('two agents never share a state folder, and a lock left behind is healed', async () => {
  const server = await startServer()
  const stateFolder = await temporaryFolder()
  const stale = { pid: 999_999_999, startedAt: '1', bootId: 'one' }
  await writeFile(join(stateFolder, 'lock'), JSON.stringify(stale))
  const first = await quickAgent(server, { stateFolder, bootId: 'one' })
  const second = await quickAgent(server, { stateFolder, bootId: 'one' })
  const checkedIn = once(server, 'check-in')
  first.agent.once('check-in', () =>
    second.agent
      .run()
      .catch((error) => first.agent.emit('waiting', { ms: 0, because: error.name })),
  )
  const running = first.agent.run()
  await checkedIn
  const refusal = await new Promise((resolve) =>
    first.agent.on('waiting', ({ ms, because }) => ms === 0 && resolve(because)),
  )
  expect(refusal).toBe('StateFolderTaken')
  first.agent.stop()
  await running
})
