/**
 * Uploads that go on after a broken connection, a folder for each: `uploads/<id>/upload.json` says what is to come and
 * whose it is, `bytes` is what has come. How far it is, is how long that file is: there is nothing else to keep in step,
 * whatever kills the server. Once whole it is read through for its SHA-256 and moved among the artifacts.
 */
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DomainError } from '@updraft/core'
import type {
  NewUpload,
  StoredArtifact,
  Upload,
  Uploader,
  UploadStore,
  Uploads,
} from '../app/ports.ts'
import { startChecksum } from './checksums.ts'
import { codeOf, fullOr, makeFolder, syncFolder, writeText } from './durable.ts'
import { takingTurns } from './turns.ts'

const HASHED_AT_ONCE_BYTES = 256 * 1024
const ID = /^[0-9a-f-]{36}$/

/** What `upload.json` holds. */
interface UploadRecord extends NewUpload, Uploader {
  /** Known when all has come and was read through; the bytes may have been moved from then on. */
  readonly artifact?: StoredArtifact
  /** The artifact is noted as the tenant's. */
  readonly isRecorded?: boolean
}

export async function uploadFiles({
  folder,
  keep,
  write,
}: {
  folder: string
  /** Moves a whole file among the artifacts, durably. */
  keep: (path: string, artifact: StoredArtifact) => Promise<void>
  write: (file: FileHandle, bytes: Uint8Array, offsetBytes: number) => Promise<void>
}): Promise<UploadStore> {
  const folderOf = (id: string) => join(folder, id)
  const bytesOf = (id: string) => join(folder, id, 'bytes')
  const recordOf = (id: string) => join(folder, id, 'upload.json')
  const inTurn = takingTurns()

  await makeFolder(folder)

  async function recordFor({ tenantId, operatorId }: Uploader, id: string): Promise<UploadRecord> {
    const text = ID.test(id) ? await readFile(recordOf(id), 'utf8').catch(absent) : null
    const record: UploadRecord | null = text === null ? null : JSON.parse(text)
    if (record?.tenantId === tenantId && record.operatorId === operatorId) return record
    throw new DomainError('upload.unknown', `There is no upload ${id}.`)
  }

  const sizeOf = async (id: string): Promise<number | null> => {
    const status = await stat(bytesOf(id)).catch(absent)
    return status?.size ?? null
  }

  const shown = async (record: UploadRecord): Promise<Upload> => {
    const { id, sizeBytes, fileName, artifact, isRecorded } = record
    const offsetBytes = artifact ? sizeBytes : ((await sizeOf(id)) ?? 0)
    return { id, sizeBytes, fileName, offsetBytes, artifact: (isRecorded && artifact) || null }
  }

  /** The pieces go in until they end, break off, or somebody else takes the upload over. */
  async function receive(
    { id, sizeBytes }: UploadRecord,
    offsetBytes: number,
    source: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const file = await open(bytesOf(id), 'r+')
    try {
      const { size } = await file.stat()
      if (size !== offsetBytes) throw otherOffset(offsetBytes, size)
      let at = offsetBytes
      try {
        for await (const bytes of source) {
          if (at + bytes.length > sizeBytes) throw tooLong(sizeBytes)
          await write(file, bytes, at)
          at += bytes.length
        }
      } finally {
        await file.sync()
      }
    } finally {
      await file.close()
    }
  }

  async function hashed({ id, sizeBytes }: UploadRecord): Promise<StoredArtifact> {
    const checksum = startChecksum('SHA256')
    const memory = Buffer.allocUnsafeSlow(HASHED_AT_ONCE_BYTES)
    const file = await open(bytesOf(id), 'r')
    try {
      for (let at = 0; at < sizeBytes; ) {
        const { bytesRead } = await file.read(memory, 0, memory.length, at)
        if (bytesRead === 0) throw new Error(`The upload ${id} became shorter than it was.`)
        checksum.update(memory.subarray(0, bytesRead))
        at += bytesRead
      }
    } finally {
      await file.close()
    }
    const sha256 = checksum.hex()
    return { sha256, sizeBytes, checksums: { SHA256: sha256 } }
  }

  const save = (record: UploadRecord) => writeText(recordOf(record.id), JSON.stringify(record))

  const of = (uploader: Uploader): Uploads => ({
    begin: async (upload) => {
      try {
        await mkdir(folderOf(upload.id), { mode: 0o750 })
        await (await open(bytesOf(upload.id), 'wx', 0o640)).close()
        await save({ ...upload, ...uploader })
        await syncFolder(folder)
      } catch (error) {
        throw fullOr(error)
      }
    },

    get: async (id) => shown(await recordFor(uploader, id)),

    settle: async (id) => {
      await recordFor(uploader, id)
      return inTurn(id, async () => {
        const record = await recordFor(uploader, id)
        if (!record.artifact) await sync(bytesOf(id))
        return shown(record)
      })
    },

    append: async (id, offsetBytes, source) => {
      await recordFor(uploader, id)
      return inTurn(id, async (taken) => {
        const record = await recordFor(uploader, id)
        if (record.artifact) throw otherOffset(offsetBytes, record.sizeBytes)
        try {
          await receive(record, offsetBytes, piecesOf(source, taken))
        } catch (error) {
          throw fullOr(error)
        }
        return shown(record)
      })
    },

    finish: (id, note) =>
      inTurn(id, async () => {
        const record = await recordFor(uploader, id)
        if (record.isRecorded) return shown(record)
        try {
          // Each step is on the disk before the next: cut off in between, it goes on from there.
          const artifact = record.artifact ?? (await hashed(record))
          if (!record.artifact) await save({ ...record, artifact })
          if ((await sizeOf(id)) !== null) await keep(bytesOf(id), artifact)
          await note(artifact)
          const finished = { ...record, artifact, isRecorded: true }
          await save(finished)
          return await shown(finished)
        } catch (error) {
          throw fullOr(error)
        }
      }),

    remove: async (id) => {
      await recordFor(uploader, id)
      await inTurn(id, () => rm(folderOf(id), { recursive: true, force: true }))
    },
  })

  return {
    of,
    removeIdle: async (since) => {
      for (const id of await readdir(folder)) {
        if ((await lastChangeMs(folderOf(id))) >= since.getTime()) continue
        await rm(folderOf(id), { recursive: true, force: true })
      }
    },
  }
}

/**
 * The pieces of the source until it ends. That it breaks off is no reason to refuse what came before; that another
 * request took the upload over is refused with upload.other-offset, without waiting for the source.
 */
async function* piecesOf(
  source: AsyncIterable<Uint8Array>,
  taken: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]()
  let wake = () => {}
  taken.addEventListener('abort', () => wake())
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<Uint8Array> | null>((resolve) => {
        wake = () => resolve(null)
        if (taken.aborted) wake()
        else pieces.next().then(resolve, wake)
      })
      if (taken.aborted) {
        const message = 'Another request goes on with this upload.'
        throw new DomainError('upload.other-offset', message)
      }
      if (!next || next.done) return
      yield next.value
    }
  } finally {
    void pieces.return?.(undefined)
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Of the folder, or of anything in it. */
async function lastChangeMs(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  const paths = [folder, ...names.map((name) => join(folder, name))]
  const states = await Promise.all(paths.map((path) => stat(path).catch(() => null)))
  return Math.max(...states.map((state) => state?.mtimeMs ?? 0))
}

function absent(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null
  throw error
}

const otherOffset = (askedBytes: number, offsetBytes: number) =>
  new DomainError(
    'upload.other-offset',
    `The upload goes on at ${offsetBytes}, not at ${askedBytes}.`,
    { offsetBytes },
  )

const tooLong = (sizeBytes: number) =>
  new DomainError(
    'artifact.incomplete',
    `The upload holds more than the announced ${sizeBytes} bytes.`,
  )
