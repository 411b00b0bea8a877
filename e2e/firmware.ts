// Real firmware for stories: a PC's BIOS (256 KiB) and the boot loaders of three Raspberry Pis
// (about 600 KiB each), out of Debian's packages.

import { randomBytes } from 'node:crypto'
import { firmwareFiles } from '../tools/services.mjs'

export type Firmware = { readonly seabios: string; readonly ubootRpi: readonly string[] }

/**
 * The paths of the files, fetched at the first call. Rejects where they cannot be had; a test that
 * can do without says so: `const files = await firmware().catch((why) => skip(why.message))`.
 */
export async function firmware(): Promise<Firmware> {
  const files = await firmwareFiles()
  if (files === undefined) throw new Error('no firmware from Debian packages on this machine')
  return files
}

/** As good as firmware where nothing runs it. */
export const random = (sizeBytes: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(randomBytes(sizeBytes))
