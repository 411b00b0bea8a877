/** A box as a process of its own: `updraft-agent box` with a folder that lasts, and a supervisor that starts it again. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BoxStatus } from '@updraft/agent/box/home/status'

const PROGRAM = fileURLToPath(new URL('../packages/agent/bin/updraft-agent.js', import.meta.url))

export const PIN = '246810'

/** How long what a box does by itself may take on a machine under load. */
const PATIENCE_MS = 60_000

export interface Said {
  readonly status: number
  readonly body: { readonly said?: string; readonly error?: string; readonly job?: { id: string } }
}

export interface BoxProcess {
  readonly url: string
  readonly folder: string
  status(): Promise<BoxStatus>
  /** The status once it is so; rejects with what it is if that takes too long. */
  until(isSo: (status: BoxStatus) => boolean): Promise<BoxStatus>
  /** Presses a button, with the PIN. */
  press(action: string, body?: object): Promise<Said>
  /** Which `handlers`, `code` or `image` is active. */
  runs(layer: 'handlers' | 'code' | 'image'): Promise<string | null>
  log(): string
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<number | null>
  remove(): Promise<void>
}

/** Whoever starts it again when it ends by itself. */
export async function boxProcess(
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<BoxProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'updraft-box-'))
  let child: ChildProcess | null = null
  let isMeant = false
  let printed = ''
  let url = ''

  const spawnOnce = async (): Promise<void> => {
    const port = url === '' ? '0' : new URL(url).port
    const started = spawn(
      process.execPath,
      [
        ...[PROGRAM, 'box', '--state', join(folder, 'state'), '--pin', PIN],
        ...['--home-host', '127.0.0.1', '--home-port', port, '--reserve-bytes', '0'],
        ...['--boot', 'simulator', '--simulated-slot-bytes', '1048576'],
        ...['--handlers-steady-seconds', '0.2', '--steady-seconds', '0.2', ...flags],
      ],
      { env: { PATH: process.env.PATH ?? '', ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    child = started
    started.once('exit', () => {
      if (child === started && isMeant) void spawnOnce().catch(() => {})
    })
    started.stderr.on('data', (piece: Buffer) => {
      printed += piece
    })
    await new Promise<void>((resolve, reject) => {
      let out = ''
      started.stdout.on('data', (piece: Buffer) => {
        out += piece
        const open = /The page of this box: (\S+)/.exec(out)?.[1]
        if (open === undefined) return
        url = open
        resolve()
      })
      started.once('exit', (code) => reject(new Error(`The box ended with ${code}:\n${printed}`)))
    })
  }
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    isMeant = false
    const running = child
    if (!running || running.exitCode !== null || running.signalCode !== null) return null
    running.kill(signal)
    await once(running, 'exit')
    return running.exitCode
  }
  const start = async () => {
    isMeant = true
    await spawnOnce()
  }
  const status = async () => (await (await fetch(`${url}/api/status`)).json()) as BoxStatus

  await start()
  return {
    get url() {
      return url
    },
    folder,
    status,
    until: async (isSo) => {
      const patience = AbortSignal.timeout(PATIENCE_MS)
      let last: BoxStatus | undefined
      while (!patience.aborted) {
        last = (await status().catch(() => undefined)) ?? last
        if (last && isSo(last)) return last
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      throw new Error(`The box is not so: ${JSON.stringify(last, null, 1)}\n${printed}`)
    },
    press: async (action, body = {}) => {
      const answer = await fetch(`${url}/api/${action}`, {
        method: 'POST',
        headers: { 'x-box-pin': PIN, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return { status: answer.status, body: (await answer.json()) as Said['body'] }
    },
    runs: async (layer) => (await status()).layers[layer].active?.version ?? null,
    log: () => printed,
    kill: async () => {
      await end('SIGKILL')
    },
    start,
    stop: () => end('SIGTERM'),
    remove: async () => {
      await end('SIGTERM')
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}

/** A repository of code, bare, with a branch for each series. */
export interface CodeRepository {
  readonly url: string
  /** Another commit on that branch; answers its id. */
  commit(branch: string, files: Readonly<Record<string, string>>): Promise<string>
}

export async function codeRepository(folder: string): Promise<CodeRepository> {
  const bare = join(folder, 'upstream.git')
  const work = join(folder, 'work')
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', work, ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  await mkdir(work, { recursive: true })
  execFileSync('git', ['init', '--quiet', '--bare', bare])
  git('init', '--quiet', '--initial-branch', 'main')
  git('config', 'user.name', 'Upstream')
  git('config', 'user.email', 'upstream@code.example')
  git('remote', 'add', 'origin', bare)
  return {
    url: `file://${bare}`,
    commit: async (branch, files) => {
      git('checkout', '--quiet', '-B', branch)
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(work, name)), { recursive: true })
        await writeFile(join(work, name), text)
      }
      git('add', '--all')
      git('commit', '--quiet', '--allow-empty', '--message', `for ${branch}`)
      git('push', '--quiet', '--force', 'origin', branch)
      return git('rev-parse', 'HEAD')
    },
  }
}

/** A service that stays up, in Node. */
export const service = (says: string): Record<string, string> => ({
  'main.js': `// ${says}\nsetInterval(() => {}, 1000)\n`,
  'updraft-box.json': JSON.stringify({
    service: [process.execPath, 'main.js'],
    health: { upSeconds: 0.2 },
  }),
})

/** An image that the simulator can start: its first line says what it is. */
export const imageBytes = (version: string): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(200_000)
  bytes.set(new TextEncoder().encode(`image@${version}\n`))
  return bytes
}
