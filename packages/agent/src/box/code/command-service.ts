/**
 * The code's service where something else runs it, such as systemd: a link `current` leads to the folder of the release
 * that is to run, and a command has it started again from there.
 */
import { exec } from 'node:child_process'
import { dirname, join } from 'node:path'
import { type Disk, syncFolder } from '../../disk.ts'
import { codeOf } from '../../trouble.ts'
import { type Service, type Startable, withoutOurs } from './service.ts'

export interface CommandServiceOptions {
  readonly disk: Disk
  /** The link, beside the folder of releases. */
  readonly link: string
  readonly command: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 120_000

export function commandService(options: CommandServiceOptions): Service {
  const { disk, link } = options
  let release: Startable | null = null

  return {
    switchTo: async (next) => {
      release = next
      // What runs already is not disturbed by a start of the agent.
      if (next && (await isThere(disk, link, next))) return
      await point(disk, link, next)
      await run(options, next)
    },
    restart: () => run(options, release),
    // It is not ours to end.
    end: async () => {},
    state: () => null,
  }
}

const isThere = (disk: Disk, link: string, { id }: Startable): Promise<boolean> =>
  disk.readlink(link).then(
    (target) => target === targetOf(id),
    () => false,
  )

const targetOf = (id: string): string => `releases/${id}`

/** In one go: either the old or the new is there at any moment. */
async function point(disk: Disk, link: string, release: Startable | null): Promise<void> {
  if (release) {
    const fresh = join(dirname(link), 'current.new')
    await disk.rm(fresh, { force: true })
    await disk.symlink(targetOf(release.id), fresh)
    await disk.rename(fresh, link)
  } else await disk.rm(link, { force: true })
  await syncFolder(disk, dirname(link))
}

function run(
  { command, environment, timeoutMs = TIMEOUT_MS }: CommandServiceOptions,
  release: Startable | null,
): Promise<void> {
  const env = {
    ...withoutOurs(environment),
    UPDRAFT_RELEASE: release?.id ?? '',
    UPDRAFT_VERSION: release?.version ?? '',
    UPDRAFT_FOLDER: release?.folder ?? '',
  }
  return new Promise((resolve, reject) => {
    exec(command, { env, timeout: timeoutMs, maxBuffer: 1_048_576 }, (error, stdout, stderr) => {
      if (!error) return resolve()
      const how = error.killed ? 'takes too long' : `ended with ${error.code ?? codeOf(error)}`
      const said = (stderr.trim() || stdout.trim()).split('\n').at(-1)?.slice(0, 300)
      reject(new Error(`"${command}" ${how}${said ? `: ${said}` : ''}`, { cause: error }))
    })
  })
}
