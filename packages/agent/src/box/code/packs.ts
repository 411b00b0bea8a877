/**
 * The packs in which git keeps what it fetched. One that is damaged would stay for ever: git keeps a pack that it has by
 * name when the same comes again, finds nothing in it, and asks for each object anew without an end.
 * (git-scm.com: gitformat-pack. A pack ends with its checksum; its index with that of the pack, and its own.)
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

export type ObjectFormat = 'sha1' | 'sha256'

const HASH_BYTES: Readonly<Record<ObjectFormat, number>> = { sha1: 20, sha256: 32 }

/** A power cut may leave the names of packs without their bytes; git stumbles over them for ever. */
export const removeEmptyPacks = (folder: string): Promise<void> =>
  removePacks(folder, async (stem) => {
    const sizes = await Promise.all(
      [`${stem}.pack`, `${stem}.idx`].map((path) => stat(path).catch(() => null)),
    )
    return sizes.every((each) => each !== null && each.size > 0)
  })

/** Reads all of them. */
export const removeDamagedPacks = (folder: string, format: ObjectFormat): Promise<void> =>
  removePacks(folder, (stem) => isWhole(stem, format).catch(() => false))

async function removePacks(
  folder: string,
  isKept: (stem: string) => Promise<boolean>,
): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[])
  const stems = new Set(names.map((name) => name.replace(/\.[^.]+$/, '')))
  for (const stem of stems) {
    if (await isKept(join(folder, stem))) continue
    for (const name of names.filter((each) => each.startsWith(`${stem}.`))) {
      await rm(join(folder, name), { recursive: true, force: true })
    }
  }
}

async function isWhole(stem: string, format: ObjectFormat): Promise<boolean> {
  const bytes = HASH_BYTES[format]
  const [ofPack, ofIndex] = await lastBytes(`${stem}.idx`, 2 * bytes).then((end) => [
    end.subarray(0, bytes),
    end.subarray(bytes),
  ])
  if (!ofPack || !ofIndex) return false
  const [pack, index] = [`${stem}.pack`, `${stem}.idx`]
  return (
    ofPack.equals(await lastBytes(pack, bytes)) &&
    ofIndex.equals(await hashWithout(index, bytes, format)) &&
    ofPack.equals(await hashWithout(pack, bytes, format))
  )
}

async function lastBytes(path: string, count: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, size - count)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** Of all but so many bytes at the end. */
async function hashWithout(path: string, count: number, format: ObjectFormat): Promise<Buffer> {
  const { size } = await stat(path)
  const hash = createHash(format)
  for await (const piece of createReadStream(path, { end: size - count - 1 })) hash.update(piece)
  return hash.digest()
}
