/** The agent is killed at every step there is, as a program of its own; its next lives must bring the update home. */
import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type Device, live, makeDevice } from './crash-life.test-helper.ts'
import { FakeServer, someBytes } from './fake-server.test-helper.ts'
import { startServer, temporaryFolder } from './test-bench.test-helper.ts'

const BYTES = someBytes(40_000)
const SIDE_BY_SIDE = 3
const MAX_LIVES = 8

/** The step to die at, counted from the first of that name on. */
interface Cut {
  readonly cutAt: number
  readonly from?: string
}

const NEVER: Cut = { cutAt: -1 }

// What the script prints makes no difference before it is run.
test.each([
  ['done', undefined, 80],
  ['exit', 'install', 30],
  ['restart', 'install', 35],
] as const)(
  'killed at any step of an update whose script says %s, the agent brings it home',
  { timeout: 600_000 },
  async (word, from, least) => {
    const folder = await temporaryFolder()
    const cuts: string[] = []
    let isThrough = false
    let next = 1
    const worker = async () => {
      while (!isThrough) {
        const cutAt = next++
        const cut = await dieOnceAt({ cutAt, from }, word, join(folder, String(cutAt)))
        if (cut) cuts.push(cut)
        else isThrough = true
      }
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker))
    console.log(`${word}: ${cuts.length} cut points tried${from ? `, from ${from} on` : ''}`)
    expect(cuts.length).toBeGreaterThan(least)
  },
)

test('an agent killed by its own script waits for it, and installs nothing twice', async () => {
  const server = await startServer()
  const device = { server: server.url, folder: await temporaryFolder(), word: 'exit' } as const
  server.offer({ bytes: BYTES })
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

/** What the agent was about to do when it was killed, or null when it lived to the end. */
async function dieOnceAt(cut: Cut, word: Device['word'], folder: string): Promise<string | null> {
  const server = await FakeServer.start()
  try {
    server.offer({ bytes: BYTES })
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

async function expectHome(server: FakeServer, { folder }: Device, when?: string): Promise<void> {
  expect(server.state(), when).toBe('UPDATED')
  expect(server.moves('UPDATED'), when).toBe(1)
  expect(server.moves('FAILED'), when).toBe(0)
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
