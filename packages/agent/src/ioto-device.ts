/** What the program needs beside settings to be an Ioto device: an id that stays, and what its registration said. */
import { randomInt } from 'node:crypto'
import * as promises from 'node:fs/promises'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '@updraft/core'
import { readBody } from '@updraft/wire/ioto'
import { type DeviceFolder, PROVISION_FILE } from './device-folder.ts'
import { readIfThere, writeDurably } from './disk.ts'
import type { Settings } from './settings.ts'
import type { Uplink } from './uplink.ts'
import { iotoUplink } from './uplinks/ioto.ts'

const ID_LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const ID_LENGTH = 16

export async function iotoUplinkFrom(
  settings: Settings,
  {
    folder,
    stateFolder,
    token,
  }: {
    folder: DeviceFolder | null
    stateFolder: string
    token: (() => Promise<string>) | undefined
  },
): Promise<Uplink> {
  const { server, product, iotoClient, intervalSeconds, answerTimeoutMs, configFolder } = settings
  return iotoUplink({
    server,
    client: iotoClient,
    id: settings.deviceId === 'auto' ? await keptId(stateFolder) : settings.deviceId,
    product,
    token,
    known: folder?.place ?? undefined,
    periodSeconds: intervalSeconds,
    answerTimeoutMs,
    authorities: folder?.authorityFile ? [await readFile(folder.authorityFile, 'utf8')] : undefined,
    onPlace:
      configFolder === null
        ? undefined
        : (answer) => keep(join(configFolder, PROVISION_FILE), answer),
  })
}

/** What the device says of itself; by what it is known is said apart from that. */
export const propertiesFrom = ({ properties }: DeviceFolder): JsonObject =>
  Object.fromEntries(
    Object.entries(properties).filter(([key]) => key !== 'id' && key !== 'product'),
  )

/** Made up at the first start. */
async function keptId(stateFolder: string): Promise<string> {
  const path = join(stateFolder, 'device-id')
  const kept = (await readIfThere(promises, path))?.trim()
  if (kept) return kept
  const letters = Array.from({ length: ID_LENGTH }, () => ID_LETTERS[randomInt(ID_LETTERS.length)])
  const id = letters.join('')
  await writeDurably(promises, path, `${id}\n`)
  return id
}

/** Laid over what was there. */
async function keep(path: string, answer: JsonObject): Promise<void> {
  const before = readBody((await readIfThere(promises, path)) ?? '') ?? {}
  await writeDurably(promises, path, `${JSON.stringify({ ...before, ...answer }, null, 2)}\n`)
}
