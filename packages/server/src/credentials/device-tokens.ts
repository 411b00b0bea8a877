/** Tokens of devices that ask for theirs at every start. */
import { createHmac, randomBytes } from 'node:crypto'
import type { DeviceTokens } from '../app/ports.ts'

const KEY_BYTES = 32

export const newDeviceTokenKey = (): Buffer => randomBytes(KEY_BYTES)

/** `key` is the installation's own: whoever has it has the tokens of all devices that registered. */
export const deviceTokens = ({ key }: { key: Buffer }): DeviceTokens => ({
  of: (deviceId, generation) =>
    createHmac('sha256', key).update(`${deviceId} ${generation}`).digest('base64url'),
})
