/** What the program needs beside settings to be a device of Edgehog's. */
import { readFileSync } from 'node:fs'
import * as promises from 'node:fs/promises'
import { readSecret } from './secret-file.ts'
import type { Settings } from './settings.ts'
import { WrongSettings } from './settings-table.ts'
import { messageOf } from './trouble.ts'
import type { Uplink } from './uplink.ts'
import { edgehogUplink } from './uplinks/edgehog.ts'

/** Throws WrongSettings when there are no certificates where some should be. */
export function edgehogUplinkFrom(
  settings: Settings,
  { stateFolder, token }: { stateFolder: string; token: (() => Promise<string>) | undefined },
): Uplink {
  const { server, realm, deviceId, caFile, credentialsSecretFile, answerTimeoutMs } = settings
  return edgehogUplink({
    server,
    realm,
    astarteId: deviceId === 'auto' ? null : deviceId,
    agentToken: token,
    secret:
      credentialsSecretFile === null
        ? undefined
        : () => readSecret(credentialsSecretFile, 'credentials secret'),
    disk: promises,
    stateFolder,
    trust: {
      authorities: caFile === null ? undefined : [authoritiesIn(caFile)],
      isUnverified: settings.isTlsUnverified,
    },
    answerTimeoutMs,
  })
}

function authoritiesIn(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new WrongSettings(`--ca-file cannot be read: ${messageOf(error)}.`)
  }
}
