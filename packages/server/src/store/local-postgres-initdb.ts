import { spawn } from 'node:child_process'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Binaries, programOf, syncPath } from './local-postgres-binaries.ts'
import { ENVIRONMENT, lastLines, ROLE } from './local-postgres-process.ts'
import { giveDatabase, type User } from './local-postgres-user.ts'

type Making = {
  readonly binaries: Binaries
  readonly user: User | undefined
  readonly signal: AbortSignal
}

/**
 * Makes a whole new cluster in the empty `folder`: synced to disk, with checksums, and
 * with a password that only its owner can read. Where we are root, the database user gets `data` and
 * `run` and may pass through the folder itself, but can replace nothing in it that root reads or writes.
 */
export async function initialise(folder: string, making: Making): Promise<void> {
  const { user } = making
  const passwordPath = join(folder, 'password')
  await writeFile(passwordPath, `${newPassword()}\n`, { mode: 0o600 })
  for (const name of ['data', 'run']) await mkdir(join(folder, name), { mode: 0o700 })
  if (user) {
    await giveDatabase(folder, user)
    await chown(passwordPath, user.uid, user.gid)
  }
  await initdb(folder, making)
  if (user) await chown(passwordPath, 0, 0)
  await syncPath(passwordPath)
  await syncPath(folder)
}

const newPassword = () =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64url')

const argumentsFor = (folder: string): string[] => [
  `--pgdata=${join(folder, 'data')}`,
  `--username=${ROLE}`,
  `--pwfile=${join(folder, 'password')}`,
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  // Sorts by code point as C does, alike on every machine, and still knows that é is É in lower case.
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--data-checksums',
  '--no-instructions',
  // One call instead of a thousand: seconds less on an SD card.
  ...(process.platform === 'linux' ? ['--sync-method=syncfs'] : []),
]

async function initdb(folder: string, { binaries, user, signal }: Making): Promise<void> {
  signal.throwIfAborted()
  const child = spawn(programOf(binaries, 'initdb'), argumentsFor(folder), {
    cwd: folder,
    env: ENVIRONMENT,
    // A group of its own: Ctrl-C reaches only us, and a stop ends initdb's children with it.
    detached: true,
    windowsHide: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user && { uid: user.uid, gid: user.gid }),
  })
  let output = ''
  const gather = (chunk: Buffer) => {
    output += chunk
  }
  child.stdout.on('data', gather)
  child.stderr.on('data', gather)
  const stop = () => child.pid && killGroup(child.pid)
  signal.addEventListener('abort', stop)
  try {
    const code = await new Promise((done, failed) => {
      child.once('error', failed)
      child.once('close', done)
    })
    signal.throwIfAborted()
    if (code !== 0)
      throw new Error(`A new database could not be made (initdb: ${code}).\n${lastLines(output)}`)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
