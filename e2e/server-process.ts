/** The server as a process of its own, with its own data folder and database, which tests may end by force. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, createClient } from '@updraft/api/client'
import { ADMIN_TOKEN } from './platform.ts'

const MAIN = fileURLToPath(new URL('../packages/server/src/main.ts', import.meta.url))
const STOP_MS = 20_000

export interface ServerProcess {
  readonly url: string
  readonly dataFolder: string
  readonly api: Client
  /** Where devices reach it over MQTT, if it was started so. */
  mqtt(): Promise<{ readonly host: string; readonly port: number }>
  /** What it has logged since it was last started. */
  log(): string
  /** The memory it holds now, and the most it held since it was last asked. */
  memory(): Promise<{ readonly nowBytes: number; readonly highestBytes: number }>
  /** Ends it as a power cut would: no signal it could hear. */
  kill(): Promise<void>
  /** Ends it as an administrator would. */
  stop(): Promise<void>
  /** Starts it again, at the same address. */
  start(): Promise<void>
  /** Of the database's own server process, which outlives a kill. */
  databasePid(): Promise<number>
  /** Ends it, its database, and removes the folder. */
  remove(): Promise<void>
}

/** `environment`: settings other than those of a test that needs HTTP only. */
export async function serverProcess(
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'updraft-process-'))
  // Run by root, the database has a user of its own, who must be able to come in.
  await chmod(dataFolder, 0o755)
  let child: ChildProcess | undefined
  let printed = ''
  let url = ''

  const start = async () => {
    printed = ''
    const started = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env.PATH ?? '',
        UPDRAFT_DATA: dataFolder,
        UPDRAFT_ADMIN_TOKEN: ADMIN_TOKEN,
        UPDRAFT_HTTP_PORT: url === '' ? '0' : new URL(url).port,
        UPDRAFT_MQTT_PORT: 'off',
        UPDRAFT_COAP_PORT: 'off',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    url = await new Promise<string>((resolve, reject) => {
      const read = (piece: Buffer) => {
        printed += piece
        const ready = /Updraft is ready at (\S+)/.exec(printed)
        if (ready?.[1]) resolve(ready[1])
      }
      started.stdout?.on('data', read)
      started.stderr?.on('data', read)
      started.once('exit', (code) =>
        reject(new Error(`The server ended with ${code}:\n${printed}`)),
      )
    })
  }
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
  const databasePid = async () => {
    const home = join(dataFolder, 'postgres')
    const places = [home, ...(await readdir(home)).map((name) => join(home, name))]
    for (const place of places) {
      const lock = await readFile(join(place, 'data', 'postmaster.pid'), 'utf8').catch(() => '')
      if (lock) return Number(lock.split('\n')[0])
    }
    throw new Error('There is no database.')
  }
  await start()
  return {
    url,
    dataFolder,
    api: createClient({ url, token: ADMIN_TOKEN }),
    mqtt: async () => {
      const endpoints = JSON.parse(await readFile(join(dataFolder, 'endpoints.json'), 'utf8'))
      const { hostname, port } = new URL(endpoints.mqtt)
      return { host: hostname, port: Number(port) }
    },
    log: () => printed,
    memory: async () => {
      const status = await readFile(`/proc/${child?.pid}/status`, 'utf8')
      // From here on the highest counts anew [proc(5), clear_refs].
      await writeFile(`/proc/${child?.pid}/clear_refs`, '5')
      const bytes = (name: string) =>
        Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
      return { nowBytes: bytes('VmRSS'), highestBytes: bytes('VmHWM') }
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    start,
    databasePid,
    remove: async () => {
      const pid = await databasePid().catch(() => undefined)
      const force = setTimeout(() => void child?.kill('SIGKILL'), STOP_MS)
      await end('SIGTERM')
      clearTimeout(force)
      // Still there when the server had been killed before: then nobody ended it.
      if (pid) endIfThere(pid)
      await rm(dataFolder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
    },
  }
}

function endIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGINT')
  } catch {
    // Gone already, as it should be.
  }
}
