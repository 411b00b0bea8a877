/** Writing so that it survives a power cut. */
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DomainError } from '@updraft/core'

const FULL = new Set(['ENOSPC', 'EDQUOT'])

export const codeOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code

/** The refusal that an error is if the disk is full, else the error itself. */
export const fullOr = (error: unknown): unknown =>
  FULL.has(codeOf(error) ?? '')
    ? new DomainError('store.full', 'There is no space left for the file.', {}, error)
    : error

/** All of the bytes, at that place in the file. */
export async function writeFully(
  file: FileHandle,
  bytes: Uint8Array,
  offsetBytes: number,
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, offsetBytes + at)).bytesWritten
  }
}

/** A small file, whole or as it was before. */
export async function writeText(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o640)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
  await syncFolder(dirname(path))
}

/** Makes a folder and those above it, each durably entered in the one that holds it. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o750 })
  if (first === undefined) return
  for (let made = folder; ; made = dirname(made)) {
    await syncFolder(dirname(made))
    if (made === first) return
  }
}

/** What was entered in a folder survives a power cut only when the folder itself is synced. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows has no such call: there the file system's journal has to do.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
