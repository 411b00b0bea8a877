import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import type { AgentOptions } from '../create-agent.ts'
import { someBytes } from '../fake-server.test-helper.ts'
import type { Installer } from '../installer.ts'
import { HandClock, quickAgent, temporaryFolder } from '../test-bench.test-helper.ts'
import { CONTROLLER, type FakeChunk, FakeHawkbit, TOKEN } from './fake-hawkbit.test-helper.ts'
import { type HawkbitOptions, hawkbitUplink } from './hawkbit.ts'
import { attributesOf } from './hawkbit-attributes.ts'

const BYTES = someBytes(100_000)
const ONCE = { once: true }
const OS: FakeChunk = { part: 'os', version: '1.1.0', bytes: BYTES }

async function fakeHawkbit(): Promise<FakeHawkbit> {
  const fake = await FakeHawkbit.start()
  onTestFinished(() => fake.down())
  return fake
}

const uplinkTo = (fake: FakeHawkbit, more: Partial<HawkbitOptions> = {}) =>
  hawkbitUplink({ server: fake.url, id: CONTROLLER, token: async () => TOKEN, ...more })

const agentOf = (
  fake: FakeHawkbit,
  options: Partial<AgentOptions> = {},
  more: Partial<HawkbitOptions> = {},
) => quickAgent(fake, { uplink: uplinkTo(fake, more), ...options })

test('a device is updated, and says how it fares', async () => {
  const fake = await fakeHawkbit()
  fake.assign([OS])
  const { agent, installed } = await agentOf(fake)
  expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 1 })
  expect(installed).toEqual([BYTES])
  expect(fake.said).toEqual([
    '41 download none',
    '41 downloaded none',
    '41 proceeding none',
    '41 closed success',
  ])
  expect(fake.details.at(-1)).toBe('app@1.1.0 runs.')
})

test('the server says when to come again', async () => {
  const fake = await fakeHawkbit()
  fake.sleep = '00:10:30'
  const { agent } = await agentOf(fake, { random: () => 0.5 })
  const running = agent.run()
  const [wait] = await once(agent, 'waiting')
  agent.stop()
  await running
  expect(wait).toMatchObject({ ms: 630_000, because: 'next check-in' })
})

test('it comes in by a token of its own or by that of a gateway, and a stranger is told so', async () => {
  const fake = await fakeHawkbit()
  fake.assign([OS])
  fake.scheme = 'GatewayToken'
  const own = await agentOf(fake)
  expect(await own.agent.run(ONCE)).toEqual({ kind: 'failed', error: 'The server answers 401.' })
  const { agent } = await agentOf(fake, {}, { auth: 'gateway' })
  expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 1 })
})

test('a download that broke off goes on where it was', async () => {
  const fake = await fakeHawkbit()
  fake.assign([OS])
  fake.cutAfter = 50_000
  const { agent, installed } = await agentOf(fake)
  expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 1 })
  expect(installed).toEqual([BYTES])
  expect(fake.to('/softwaremodules').map(({ range }) => range)).toEqual([
    undefined,
    expect.stringMatching(/^bytes=[1-9]\d*-$/),
  ])
})

test('success is told once the new version runs, and what was rolled back is a failure', async () => {
  const fake = await fakeHawkbit()
  const stateFolder = await temporaryFolder()
  let runs = '1.0.0'
  const options = {
    stateFolder,
    askInstalled: async () => ({ firmware: { title: 'app', version: runs } }),
    installers: { firmware: { install: async () => ({ kind: 'exit' as const }) } },
  }
  fake.assign([OS])
  expect(await (await agentOf(fake, options)).agent.run(ONCE)).toEqual({ kind: 'exit' })
  expect(fake.said.at(-1)).toBe('41 proceeding none')
  expect(fake.details.at(-1)).toBe('Restarts into app@1.1.0.')
  runs = '1.1.0'
  await (await agentOf(fake, options)).agent.run(ONCE)
  expect(fake.said.at(-1)).toBe('41 closed success')

  fake.assign([{ ...OS, version: '1.2.0' }])
  expect(await (await agentOf(fake, options)).agent.run(ONCE)).toEqual({ kind: 'exit' })
  await (await agentOf(fake, options)).agent.run(ONCE)
  expect(fake.said.at(-1)).toBe('42 closed failure')
  expect(fake.details.at(-1)).toBe('came back with app@1.1.0 after installing app@1.2.0')
})

const remembers = (into: string[]): Installer => ({
  install: async ({ release }) => {
    into.push(`${release.type} ${release.title}@${release.version}`)
    return { kind: 'done' }
  },
})

const PAIR: readonly FakeChunk[] = [
  OS,
  { part: 'bApp', name: 'shop', version: '7', bytes: someBytes(5_000) },
]

test('several chunks are installed in their order, and success is said of all of them', async () => {
  const fake = await fakeHawkbit()
  const installs: string[] = []
  const installers = { firmware: remembers(installs), software: remembers(installs) }
  fake.assign(PAIR)
  const { agent } = await agentOf(fake, { installers })
  expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 2 })
  expect(installs).toEqual(['firmware app@1.1.0', 'software shop@7'])
  expect(fake.said.filter((word) => word.includes('closed'))).toEqual(['41 closed success'])
})

test('of several chunks none is installed twice when the agent starts anew between them', async () => {
  const fake = await fakeHawkbit()
  const installs: string[] = []
  const stateFolder = await temporaryFolder()
  const first: Installer = {
    install: async (job) => {
      await remembers(installs).install(job)
      return { kind: 'exit' }
    },
  }
  const askInstalled = async () => ({
    firmware: { title: 'app', version: installs.length > 0 ? '1.1.0' : '1.0.0' },
  })
  const options = {
    stateFolder,
    askInstalled,
    installers: { firmware: first, software: remembers(installs) },
  }
  fake.assign(PAIR)
  expect((await (await agentOf(fake, options)).agent.run(ONCE)).kind).toBe('exit')
  expect((await (await agentOf(fake, options)).agent.run(ONCE)).kind).toBe('idle')
  expect(installs).toEqual(['firmware app@1.1.0', 'software shop@7'])
  expect(fake.said.at(-1)).toBe('41 closed success')
})

test('a chunk that fails ends the action, and the others are not begun', async () => {
  const fake = await fakeHawkbit()
  const installs: string[] = []
  const failing: Installer = { install: async () => ({ kind: 'failed', error: 'no room' }) }
  fake.assign(PAIR)
  const { agent } = await agentOf(fake, {
    installers: { firmware: failing, software: remembers(installs) },
  })
  expect(await agent.run(ONCE)).toEqual({ kind: 'failed', error: 'no room' })
  await agent.run(ONCE)
  expect(installs).toEqual([])
  expect([fake.said.at(-1), fake.details.at(-1)]).toEqual(['41 closed failure', 'no room'])
})

test.each<[string, readonly FakeChunk[], string]>([
  [
    'several files',
    [{ ...OS, files: 2 }],
    'This agent takes modules of one file; app@1.1.0 has 2.',
  ],
  ['no file', [{ ...OS, files: 0 }], 'This agent takes modules of one file; app@1.1.0 has 0.'],
  ['nothing', [], 'The action holds nothing to install.'],
  ['two of one kind', [OS, OS], 'This agent installs one firmware at a time, not several.'],
  ['a stranger', [{ ...OS, part: 'radio' }], 'this agent has no installer for radio'],
])('an action of %s is refused in words', async (_, chunks, because) => {
  const fake = await fakeHawkbit()
  fake.assign(chunks)
  const { agent } = await agentOf(fake, { installers: { firmware: remembers([]) } })
  await agent.run(ONCE)
  expect([fake.said, fake.details]).toEqual([['41 closed failure'], [because]])
})

test.each([
  ['sha256', 32],
  ['sha1', 20],
] as const)('what does not match its %s is not installed', async (algorithm, bytes) => {
  const fake = await fakeHawkbit()
  const hashes = { [algorithm]: 'ab'.repeat(bytes) }
  fake.assign([{ ...OS, hashes }])
  const { agent, installed } = await agentOf(fake)
  expect((await agent.run(ONCE)).kind).toBe('failed')
  expect(installed).toEqual([])
  expect(fake.said.at(-1)).toBe('41 closed failure')
})

test('a stop before it has begun is heeded', async () => {
  const fake = await fakeHawkbit()
  fake.assign([OS], { state: 'canceling' })
  const { agent, installed } = await agentOf(fake)
  expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 0 })
  expect([installed, fake.said]).toEqual([[], ['41 closed success to the stop']])
})

test('a stop is noticed while it downloads, and heeded', async () => {
  const fake = await fakeHawkbit()
  const action = fake.assign([OS])
  const clock = new HandClock()
  fake.onAsked = ({ path }) => {
    if (!path.startsWith('/softwaremodules')) return
    // It comes to half of the file, and then a poll is due.
    fake.cutAfter = 1_000
    if (action.state === 'running' && clock.waits.length > 0) {
      action.state = 'canceling'
      clock.advance(300_000)
    }
  }
  const { agent, installed } = await agentOf(fake, {}, { clock })
  const running = agent.run()
  const [{ state, error }] = await once(agent, 'ended')
  agent.stop()
  await running
  expect([state, error, installed]).toEqual(['FAILED', 'the server took the update back', []])
  expect(fake.said.at(-1)).toBe('41 closed success to the stop')
})

test('a stop during the install is answered with no, and the install goes on', async () => {
  const fake = await fakeHawkbit()
  const action = fake.assign([OS])
  const clock = new HandClock()
  const answered = Promise.withResolvers<void>()
  fake.onAsked = ({ path }) => {
    if (path === '/cancelAction/41/feedback') answered.resolve()
  }
  const slow: Installer = {
    install: async () => {
      action.state = 'canceling'
      clock.advance(300_000)
      await answered.promise
      return { kind: 'done' }
    },
  }
  const { agent } = await agentOf(fake, { installers: { firmware: slow } }, { clock })
  expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 1 })
  expect(fake.said).toContain('41 rejected none to the stop')
  expect(fake.said.at(-1)).toBe('41 closed success')
})

test('an action that is gone without a word is dropped', async () => {
  const fake = await fakeHawkbit()
  const action = fake.assign([OS])
  const stateFolder = await temporaryFolder()
  fake.onAsked = ({ path }) => {
    if (path.startsWith('/softwaremodules')) action.state = 'over'
  }
  const { agent, installed } = await agentOf(fake, { stateFolder })
  const ended = once(agent, 'ended')
  expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 0 })
  expect([(await ended)[0].state, installed]).toEqual(['OVER', []])
})

test('outside its window an update is fetched, and installed once that opens', async () => {
  const fake = await fakeHawkbit()
  const action = fake.assign([OS], { update: 'skip', window: 'unavailable' })
  const { agent, installed } = await agentOf(fake)
  agent.on('waiting', ({ because }) => {
    if (because !== 'it may not be installed for now') return
    expect(installed).toEqual([])
    Object.assign(action, { update: 'forced', window: 'available' })
  })
  agent.on('ended', () => agent.stop())
  await agent.run()
  expect(installed).toEqual([BYTES])
  expect(fake.said).toEqual([
    '41 download none',
    '41 downloaded none',
    '41 scheduled none',
    '41 proceeding none',
    '41 closed success',
  ])
})

test('a window that closes during the download is kept', async () => {
  const fake = await fakeHawkbit()
  const action = fake.assign([OS], { window: 'available' })
  fake.onAsked = ({ path }) => {
    if (path.startsWith('/softwaremodules')) {
      Object.assign(action, { update: 'skip', window: 'unavailable' })
    }
  }
  const { agent, installed } = await agentOf(fake)
  await agent.run(ONCE)
  expect([installed, fake.said.at(-1)]).toEqual([[], '41 scheduled none'])
})

test('what is only to be fetched is fetched, checked and not installed', async () => {
  const fake = await fakeHawkbit()
  fake.assign([OS], { update: 'skip' })
  const { agent, installed } = await agentOf(fake)
  expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 0 })
  expect([installed, fake.said.at(-1)]).toEqual([[], '41 downloaded success'])
})

test('what is not to be fetched yet is left alone', async () => {
  const fake = await fakeHawkbit()
  fake.assign([OS], { download: 'skip', update: 'skip', window: 'unavailable' })
  const { agent } = await agentOf(fake)
  expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 0 })
  expect([fake.said, fake.to('/softwaremodules')]).toEqual([[], []])
})

test('an action that waits for a yes gets it where the settings say so', async () => {
  const fake = await fakeHawkbit()
  fake.assign([OS], { state: 'confirming' })
  const silent = await agentOf(fake)
  expect(await silent.agent.run(ONCE)).toEqual({ kind: 'idle', updated: 0 })
  expect(fake.said).toEqual([])
  const { agent } = await agentOf(fake, {}, { confirms: true })
  expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 1 })
  expect(fake.said[0]).toBe('41 confirmed')
})

test('it tells of itself when it is asked, and when something is another', async () => {
  const fake = await fakeHawkbit()
  let floor = 1
  const facts = async () => ({ site: { floor } })
  const { agent } = await agentOf(fake, { facts })
  await agent.run(ONCE)
  await agent.run(ONCE)
  expect(fake.to('/configData').map(({ body }) => body)).toEqual([
    {
      mode: 'merge',
      data: { 'firmware.title': 'app', 'firmware.version': '1.0.0', 'site.floor': '1' },
    },
  ])
  floor = 2
  await agent.run(ONCE)
  fake.wantsAttributes = true
  await agent.run(ONCE)
  expect(fake.to('/configData')).toHaveLength(3)
  expect(fake.attributes['site.floor']).toBe('2')
})

test('what a device says of itself fits into short texts', () => {
  const facts = { long: 'x'.repeat(200), list: [1, 2], none: null, odd: 'käse\n', yes: true }
  expect(attributesOf(facts, {})).toEqual({
    long: 'x'.repeat(128),
    list: '[1,2]',
    odd: 'k?se?',
    yes: 'true',
  })
})

test('its token goes to its own server only', async () => {
  const [fake, other] = [await fakeHawkbit(), await fakeHawkbit()]
  const uplink = uplinkTo(fake)
  other.assign([OS])
  const address = `${other.url}/DEFAULT/controller/v1/${CONTROLLER}/softwaremodules/4100/artifacts/x`
  const offer = {
    operation: '41/1/firmware/x',
    type: 'firmware',
    title: 'app',
    version: '1.1.0',
    sizeBytes: null,
    checksum: null,
    address,
    isStanding: false,
  }
  const limits = { stallMs: 60_000, signal: new AbortController().signal }
  await expect(uplink.fetch(offer, { byte: 0, etag: null }, limits)).rejects.toThrow('401')
  expect(other.asked.map(({ authorization }) => authorization)).toEqual([undefined])
})
