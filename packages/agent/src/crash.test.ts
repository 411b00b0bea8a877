/** The agent is killed at every step there is, as a program of its own; its next lives must bring the update home. */
import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { type Device, live, makeDevice } from './crash-life.test-helper.ts'
import { FakeServer, someBytes } from './fake-server.test-helper.ts'
import { startServer, temporaryFolder } from './test-bench.test-helper.ts'
import { FakeAstarte, UUID } from './uplinks/fake-astarte.test-helper.ts'
import { FakeHawkbit } from './uplinks/fake-hawkbit.test-helper.ts'
import { FakeCoap } from './uplinks/fake-thingsboard-coap.test-helper.ts'
import { FakeMqtt } from './uplinks/fake-thingsboard-mqtt.test-helper.ts'

const BYTES = someBytes(40_000)
const SIDE_BY_SIDE = 3
const MAX_LIVES = 8

/** The step to die at, counted from the first of that name on. */
interface Cut {
  readonly cutAt: number
  readonly from?: string
}

const NEVER: Cut = { cutAt: -1 }

/** Who is on the other side, in whatever language: ours with one operation, or a ThingsBoard. */
interface Server {
  readonly url: string
  /** Fails unless the update is known to have ended well, and nothing else was said of its end. */
  expectUpdated(when?: string): void
  down(): Promise<void>
}

// What the script prints makes no difference before it is run.
test.each([
  ['done', undefined, 80],
  ['exit', 'install', 30],
  ['restart', 'install', 35],
] as const)(
  'killed at any step of an update whose script says %s, the agent brings it home',
  { timeout: 600_000 },
  async (word, from, least) => {
    const cuts = await dieEverywhere({ start: ours, word, from, each: 1 })
    console.log(`${word}: ${cuts} cut points tried${from ? `, from ${from} on` : ''}`)
    expect(cuts).toBeGreaterThan(least)
  },
)

// What differs is how the bytes come and how the end is told; the steps of the journal are the same.
test.each([
  ['MQTT', () => FakeMqtt.start(), 4, 18],
  ['CoAP', () => FakeCoap.start(), 6, 18],
] as const)(
  'killed now and then while it speaks ThingsBoard over %s, the agent brings the update home',
  { timeout: 600_000 },
  async (over, start, each, least) => {
    const cuts = await dieEverywhere({ start: () => thingsBoard(start), word: 'done', each })
    console.log(`ThingsBoard over ${over}: ${cuts} cut points tried`)
    expect(cuts).toBeGreaterThan(least)
  },
)

// Beside those there is what it registers and is certified with.
test('killed now and then while it speaks Edgehog, the agent brings the update home', {
  timeout: 600_000,
}, async () => {
  const cuts = await dieEverywhere({ start: edgehog, word: 'exit', each: 4 })
  console.log(`Edgehog: ${cuts} cut points tried`)
  expect(cuts).toBeGreaterThan(20)
})

// What it knows of an action is in the journal alone, and in what the server says of it.
test('killed now and then while it speaks hawkBit, the agent brings the update home', {
  timeout: 600_000,
}, async () => {
  const cuts = await dieEverywhere({ start: hawkbit, word: 'exit', each: 4 })
  console.log(`hawkBit: ${cuts} cut points tried`)
  expect(cuts).toBeGreaterThan(20)
})

test('an agent killed by its own script waits for it, and installs nothing twice', async () => {
  const server = await ours()
  onTestFinished(() => server.down())
  const device = { server: server.url, folder: await temporaryFolder(), word: 'exit' } as const
  await makeDevice(device, 'kill -9 $PPID; sleep 0.5')
  expect(await inOwnProgram(device, NEVER)).toEqual({ signal: 'SIGKILL', said: '' })
  expect((await live(device, async () => {})).kind).toBe('idle')
  await expectHome(server, device)
  expect(await installsOf(device)).toBe(1)
})

test('an install that is cut off each time is given up after three attempts', async () => {
  const server = await startServer()
  const device = { server: server.url, folder: await temporaryFolder(), word: 'exit' } as const
  server.offer({ bytes: BYTES })
  await makeDevice(device, 'kill -9 $PPID; exit 1')
  for (let life = 1; life <= 3; life++) {
    expect((await inOwnProgram(device, NEVER)).signal).toBe('SIGKILL')
  }
  expect((await live(device, async () => {})).kind).toBe('failed')
  expect(await installsOf(device)).toBe(3)
  expect(server.error()).toBe(
    'the install was cut off 3 times; came back with app@1.0.0 after installing app@1.1.0',
  )
})

/** Dies at each step of a number, in a life of its own each time; how many there were. */
async function dieEverywhere({
  start,
  word,
  from,
  each,
}: {
  start: () => Promise<Server>
  word: Device['word']
  from?: string
  each: number
}): Promise<number> {
  const folder = await temporaryFolder()
  let cuts = 0
  let isThrough = false
  let next = 1
  const worker = async () => {
    while (!isThrough) {
      const cutAt = next
      next += each
      const cut = { cutAt, from }
      if (await dieOnceAt(cut, word, { start, folder: join(folder, String(cutAt)) })) cuts += 1
      else isThrough = true
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker))
  return cuts
}

async function ours(): Promise<Server & FakeServer> {
  const server = await FakeServer.start()
  server.offer({ bytes: BYTES })
  return Object.assign(server, {
    expectUpdated: (when?: string) => {
      expect(server.state(), when).toBe('UPDATED')
      expect(server.moves('UPDATED'), when).toBe(1)
      expect(server.moves('FAILED'), when).toBe(0)
    },
  })
}

/** It knows no operations, so it may be told the end twice. */
async function thingsBoard(start: () => Promise<FakeMqtt | FakeCoap>): Promise<Server> {
  const server = await start()
  server.bytes = BYTES
  server.mean('fw', '1.1.0')
  return {
    url: server.url,
    expectUpdated: (when) => {
      expect(server.states('fw').at(-1), when).toBe('UPDATED')
      expect(server.states('fw'), when).not.toContain('FAILED')
    },
    down: () => server.down(),
  }
}

/** It asks for the update each time the device is there. */
async function edgehog(): Promise<Server> {
  const server = await FakeAstarte.start()
  server.bytes = BYTES
  server.standing = { operation: 'Update', uuid: UUID, url: server.image }
  return {
    url: `${server.url}/pairing`,
    expectUpdated: (when) => {
      expect(server.story.at(-1), when).toBe('Success')
      expect(server.story.join(), when).not.toContain('Failure')
      expect(server.properties['BaseImage/version'], when).toBe('1.1.0')
    },
    down: () => server.down(),
  }
}

/** An action has one end, which may be told twice. */
async function hawkbit(): Promise<Server> {
  const server = await FakeHawkbit.start()
  server.assign([{ part: 'os', version: '1.1.0', bytes: BYTES }])
  return {
    url: `${server.url}/hawkbit`,
    expectUpdated: (when) => {
      const ends = server.said.filter((word) => word.startsWith('41 closed'))
      expect(ends, when).toEqual(['41 closed success'])
    },
    down: () => server.down(),
  }
}

/** What the agent was about to do when it was killed, or null when it lived to the end. */
async function dieOnceAt(
  cut: Cut,
  word: Device['word'],
  { start, folder }: { start: () => Promise<Server>; folder: string },
): Promise<string | null> {
  const server = await start()
  try {
    const device = { server: server.url, folder, word }
    await mkdir(folder)
    await makeDevice(device)
    const said = await liveUntilCut(device, cut)
    let lives = 0
    while ((await live(device, async () => {})).kind !== 'idle') {
      lives += 1
      if (lives >= MAX_LIVES) throw new Error(`no end after the cut before ${said}`)
    }
    await expectHome(server, device, `cut at step ${cut.cutAt}, before ${said}`)
    expect(await installsOf(device), `before ${said}`).toBeLessThanOrEqual(2)
    return said
  } finally {
    await server.down()
  }
}

/** The step it was killed before, in this life or one that the script's word began; null when it lived on. */
async function liveUntilCut(device: Device, { cutAt, from }: Cut): Promise<string | null> {
  const { signal, said } = await inOwnProgram(device, { cutAt, from })
  if (signal === 'SIGKILL') return said
  const { end, steps } = JSON.parse(said) as { end: string; steps: number }
  return end === device.word ? await liveUntilCut(device, { cutAt: cutAt - steps }) : null
}

async function expectHome(server: Server, { folder }: Device, when?: string): Promise<void> {
  server.expectUpdated(when)
  expect((await readFile(join(folder, 'image'))).equals(BYTES), when).toBe(true)
}

const installsOf = async ({ folder }: Device): Promise<number> =>
  (await readFile(join(folder, 'installs'), 'utf8')).trim().split('\n').length

function inOwnProgram(device: Device, cut: Cut): Promise<{ signal: string | null; said: string }> {
  const program = fileURLToPath(new URL('crash-child.test-helper.ts', import.meta.url))
  const parameters = [program, JSON.stringify({ device, ...cut })]
  // Hundreds of short lives: what the first has compiled, the others take over.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'updraft-agent-compiled') }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, parameters, { env }, (error, stdout, stderr) => {
      const signal = error?.signal ?? null
      if (error && !signal) reject(new Error(stderr, { cause: error }))
      else resolve({ signal, said: stdout })
    })
  })
}
