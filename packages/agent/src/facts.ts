/** What a device tells of itself: the few things every machine knows, and a file of its owner's. */
import { readFile } from 'node:fs/promises'
import { arch, platform, release, totalmem } from 'node:os'
import type { JsonObject } from '@updraft/core'
import { type Disk, freeBytes } from './disk.ts'
import type { Log } from './log.ts'
import { messageOf } from './trouble.ts'

/** Free space changes all the time; told in these steps it is news only now and then. */
const FREE_STEP_BYTES = 64 * 1_048_576

/** The agent's own facts, with those of the file laid over them. A file that cannot be read is left out. */
export function factsFrom(about: {
  disk: Disk
  stateFolder: string
  agentVersion: string
  file: string | null
  /** What is known of the device otherwise. */
  properties?: JsonObject
  /** Nothing but what its owner says of it. */
  isOwnersOnly?: boolean
  log: Log
}): () => Promise<JsonObject> {
  const ofTheMachine = async (): Promise<JsonObject> => ({
    agentVersion: about.agentVersion,
    arch: arch(),
    platform: platform(),
    kernel: release(),
    memoryBytes: totalmem(),
    freeDiskBytes: await steadyFreeBytes(about.disk, about.stateFolder),
  })
  return async () => ({
    ...(about.isOwnersOnly ? {} : await ofTheMachine()),
    ...about.properties,
    ...(about.file === null ? {} : await ownersFacts(about.file, about.log)),
  })
}

async function ownersFacts(file: string, log: Log): Promise<JsonObject> {
  try {
    const found: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (typeof found === 'object' && found !== null && !Array.isArray(found))
      return found as JsonObject
    throw new Error('it is no JSON object')
  } catch (error) {
    log.warn('The facts file is left out.', { file, because: messageOf(error) })
    return {}
  }
}

async function steadyFreeBytes(disk: Disk, folder: string): Promise<number> {
  const free = await freeBytes(disk, folder)
  return Math.floor(free / FREE_STEP_BYTES) * FREE_STEP_BYTES
}
