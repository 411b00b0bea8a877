import { createHash } from 'node:crypto'

const ID_BYTES = 16

/** By what Astarte knows the device of that name, at each start. */
export const astarteIdOf = (name: string): string =>
  createHash('sha256')
    .update(`updraft-simulator ${name}`)
    .digest()
    .subarray(0, ID_BYTES)
    .toString('base64url')
