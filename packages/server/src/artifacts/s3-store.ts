/**
 * Artifacts as objects of a bucket: `PREFIXsha256/ab/<hex>`, named by what they hold. Bytes come in as a file on this
 * machine first: only then is it known what they are called, and a part that fails can be sent again.
 */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { DomainError } from '@updraft/core'
import { ADDRESS_DAYS, type ArtifactStore, type UploadStore } from '../app/ports.ts'
import { startChecksum } from './checksums.ts'
import { makeFolder, writeFully } from './durable.ts'
import { hotBlocks, type Shelf } from './hot-blocks.ts'
import { sweepIncoming } from './incoming.ts'
import { type Keep, receiving, type StoreLog } from './receiving.ts'
import { isBucketMissing, isMissing, refusalOf, statusOf } from './s3-errors.ts'
import { BLOCK_BYTES, s3Handle } from './s3-reading.ts'
import { abandonUploads, uploadFile } from './s3-upload.ts'
import { uploadFiles } from './upload-files.ts'

const SHA256_HEX = /^[0-9a-f]{64}$/
const HOUR_MS = 3_600_000
/** So long it is believed that bytes are still where they were. */
const KNOWN_MS = 10 * 60_000
const MAX_KNOWN = 10_000

export interface S3StoreOptions {
  readonly name: string
  readonly bucket: string
  readonly prefix: string
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly isPathStyle: boolean
  readonly isDirect: boolean
  readonly mayCreate: boolean
  /** On this machine: what comes in waits here. */
  readonly folder: string
  readonly log: StoreLog
  /** Memory for the blocks that were read last, all objects together. */
  readonly hotBytes?: number
}

export interface S3Store extends ArtifactStore {
  readonly uploads: UploadStore
}

interface Known {
  readonly sizeBytes: number
  readonly shelf: Shelf
  readonly seenAtMs: number
}

/**
 * Opens the store. Refuses with artifact-store.no-bucket or artifact-store.denied; one that does not answer at the
 * moment is opened all the same, and said so in the log.
 */
export async function s3Store(options: S3StoreOptions): Promise<S3Store> {
  const { name, bucket, prefix, endpoint, folder, log } = options
  const client = new S3Client({
    endpoint,
    forcePathStyle: options.isPathStyle,
    maxAttempts: 4,
    // Stores that speak S3 do not all know checksums in trailers; ours stand in the headers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
    ...(options.region !== undefined && { region: options.region }),
  })
  const place = { client, bucket }
  const refuse = (error: unknown) => refusalOf(error, { store: name, bucket, endpoint })
  const keyOf = (sha256: string) => `${prefix}sha256/${sha256.slice(0, 2)}/${sha256}`
  const incoming = join(folder, 'incoming')
  const blocks = hotBlocks(options.hotBytes ?? 32 * 1024 * 1024)
  const known = new Map<string, Known>()
  const addresses = new Map<string, string>()

  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw refuse(error)
    }
  }

  await makeFolder(incoming)
  await sweepIncoming(incoming)
  try {
    await asked(ensureBucket)
  } catch (error) {
    const isAway = error instanceof DomainError && error.code === 'artifact-store.away'
    if (!isAway) throw error
    log.warn(
      { err: error },
      'an artifact store does not answer; it is asked again when it is needed',
    )
  }

  async function ensureBucket(): Promise<void> {
    try {
      await client.send(new HeadBucketCommand({ Bucket: bucket }))
    } catch (error) {
      // The answer to HEAD has no body to say more in.
      if (statusOf(error) !== 404 && !isBucketMissing(error)) throw error
      const missing = `There is no bucket "${bucket}" at ${endpoint ?? 'Amazon S3'} (artifact store "${name}")`
      if (!options.mayCreate) throw new DomainError('artifact-store.no-bucket', `${missing}.`)
      await client.send(new CreateBucketCommand({ Bucket: bucket })).catch((cause) => {
        const why = (cause as Error).message
        throw new DomainError(
          'artifact-store.no-bucket',
          `${missing}, and it could not be made: ${why}`,
          {},
          cause,
        )
      })
      log.info({ bucket, store: name }, 'made a bucket')
    }
  }

  function forget(sha256: string): void {
    known.get(sha256)?.shelf.clear()
    known.delete(sha256)
  }

  function remember(sha256: string, sizeBytes: number): Known {
    const shelf = known.get(sha256)?.shelf ?? blocks.shelf(BLOCK_BYTES)
    known.delete(sha256)
    const fact = { sizeBytes, shelf, seenAtMs: performance.now() }
    known.set(sha256, fact)
    const [oldest] = known.size > MAX_KNOWN ? known.keys() : []
    if (oldest) forget(oldest)
    return fact
  }

  /** Null when there is none. */
  async function find(sha256: string): Promise<Known | null> {
    const fact = known.get(sha256)
    if (fact && performance.now() - fact.seenAtMs < KNOWN_MS) return fact
    if (!SHA256_HEX.test(sha256)) return null
    try {
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: keyOf(sha256) }))
      return remember(sha256, head.ContentLength ?? 0)
    } catch (error) {
      forget(sha256)
      if (isMissing(error)) return null
      throw refuse(error)
    }
  }

  const open: ArtifactStore['open'] = async (sha256) => {
    const found = await find(sha256)
    if (!found) throw new DomainError('artifact.unknown', 'No such file is stored.', { sha256 })
    const { sizeBytes, shelf } = found
    return s3Handle({ place, key: keyOf(sha256), sha256, sizeBytes, shelf, refuse: seen(sha256) })
  }

  /** What is found to be gone is not believed any longer. */
  const seen = (sha256: string) => (error: unknown) => {
    if (!isMissing(error)) return refuse(error)
    forget(sha256)
    return new DomainError('artifact.unknown', 'No such file is stored.', { sha256 }, error)
  }

  const upload: Keep = async (path, artifact) => {
    await asked(() => uploadFile(place, keyOf(artifact.sha256), { path, artifact }))
    remember(artifact.sha256, artifact.sizeBytes)
    await rm(path, { force: true })
  }

  /** Of a source that cannot be had again nothing is left behind. */
  const uploadOnce: Keep = async (path, artifact) => {
    try {
      await upload(path, artifact)
    } catch (error) {
      await abandonUploads(place, keyOf(artifact.sha256), new Date(8.64e15)).catch((cause) =>
        log.warn({ err: cause }, 'parts of an upload that failed could not be removed yet'),
      )
      throw error
    }
  }

  return {
    receive: receiving({ incoming, keep: uploadOnce, log, write: writeFully }),
    uploads: await uploadFiles({
      folder: join(folder, 'uploads'),
      keep: upload,
      write: writeFully,
    }),
    open,

    checksum: async (sha256, algorithm) => {
      const handle = await open(sha256)
      const checksum = startChecksum(algorithm)
      for await (const piece of handle.stream(0, handle.sizeBytes)) checksum.update(piece)
      return checksum.hex()
    },

    remove: (sha256, storedBefore) =>
      asked(async () => {
        if (!SHA256_HEX.test(sha256)) return
        const of = { Bucket: bucket, Key: keyOf(sha256) }
        try {
          const { LastModified } = await client.send(new HeadObjectCommand(of))
          if (LastModified && LastModified >= storedBefore) return
        } catch (error) {
          if (isMissing(error)) return
          throw error
        }
        await client.send(new DeleteObjectCommand(of))
        forget(sha256)
      }),

    async *list() {
      const pages = paginateListObjectsV2(
        { client },
        { Bucket: bucket, Prefix: `${prefix}sha256/` },
      )
      try {
        for await (const { Contents = [] } of pages) {
          for (const { Key = '', LastModified } of Contents) {
            const sha256 = Key.slice(Key.lastIndexOf('/') + 1)
            if (SHA256_HEX.test(sha256) && LastModified) yield { sha256, storedAt: LastModified }
          }
        }
      } catch (error) {
        throw refuse(error)
      }
    },

    has: async (sha256) => (await find(sha256)) !== null,

    addressFor: async (sha256, { fileName, contentType, now }) => {
      if (!options.isDirect) return null
      // Whole hours, so that the address stays the same for a while and those who resume know it again.
      const signingDate = new Date(Math.floor(now.getTime() / HOUR_MS) * HOUR_MS)
      const asWhat = [sha256, signingDate.getTime(), fileName, contentType].join('\n')
      const signed = addresses.get(asWhat)
      if (signed) return signed
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: keyOf(sha256),
        ResponseContentType: contentType,
        ResponseContentDisposition: dispositionOf(fileName),
      })
      const expiresIn = ADDRESS_DAYS * 86_400
      const address = await asked(() => getSignedUrl(client, command, { expiresIn, signingDate }))
      if (addresses.size >= MAX_KNOWN) addresses.clear()
      addresses.set(asWhat, address)
      return address
    },

    abandon: async (since) => {
      const count = await asked(() => abandonUploads(place, `${prefix}sha256/`, since))
      if (count > 0) log.info({ store: name, count }, 'removed the parts of uploads that broke off')
    },

    close: async () => client.destroy(),
  }
}

/** As RFC 6266 spells a name of any letters. */
const dispositionOf = (fileName: string): string =>
  `attachment; filename*=UTF-8''${encodeURIComponent(fileName).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)}`
