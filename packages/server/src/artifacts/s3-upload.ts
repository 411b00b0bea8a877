/**
 * A file on its way into a bucket: small ones at once, large ones in parts, a few at a time. S3 compares each part with
 * its SHA-256. An upload that was broken off goes on with the parts that are there.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { StoredArtifact } from '../app/ports.ts'
import { isUploadGone } from './s3-errors.ts'

/** S3 takes parts from 5 MiB on, but for the last, and 10,000 of them. */
const PART_BYTES = 8 * 1024 * 1024
const MAX_PARTS = 10_000
const PARTS_AT_ONCE = 2

export interface S3Place {
  readonly client: S3Client
  readonly bucket: string
}

/** Puts the file at that path into the bucket under that key. */
export async function uploadFile(
  to: S3Place,
  key: string,
  { path, artifact }: { path: string; artifact: StoredArtifact },
): Promise<void> {
  const file = await open(path, 'r')
  try {
    if (artifact.sizeBytes <= PART_BYTES) await putWhole(to, key, { file, artifact })
    else await inParts(to, key, { file, artifact })
  } finally {
    await file.close()
  }
}

interface Source {
  readonly file: FileHandle
  readonly artifact: StoredArtifact
}

async function putWhole({ client, bucket }: S3Place, key: string, { file, artifact }: Source) {
  const bytes = Buffer.alloc(artifact.sizeBytes)
  await readFully(file, bytes, 0)
  await client.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: bytes,
      ChecksumSHA256: Buffer.from(artifact.sha256, 'hex').toString('base64'),
    }),
  )
}

async function inParts(to: S3Place, key: string, source: Source): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await goOn(to, key, source)
      return
    } catch (error) {
      // Another server was at the same bytes, and has ended that upload.
      if (!isUploadGone(error) || tries === 3) throw error
    }
  }
}

async function goOn({ client, bucket }: S3Place, key: string, { file, artifact }: Source) {
  const { sizeBytes } = artifact
  const partBytes = Math.max(PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS))
  const count = Math.ceil(sizeBytes / partBytes)
  const of = { Bucket: bucket, Key: key }
  const uploadId = await uploadFor({ client, bucket }, key)
  const there = await partsOf({ client, bucket }, key, uploadId)
  const parts: CompletedPart[] = []
  let next = 0
  const work = async () => {
    const memory = Buffer.allocUnsafeSlow(partBytes)
    while (next < count) {
      const index = next
      next += 1
      const bytes = memory.subarray(0, Math.min(partBytes, sizeBytes - index * partBytes))
      await readFully(file, bytes, index * partBytes)
      const ChecksumSHA256 = createHash('sha256').update(bytes).digest('base64')
      const PartNumber = index + 1
      const kept = there.get(PartNumber)
      const isThere = kept !== undefined && isSame(kept, bytes, ChecksumSHA256)
      const ETag = isThere
        ? kept.etag
        : (
            await client.send(
              new UploadPartCommand({
                ...of,
                UploadId: uploadId,
                PartNumber,
                Body: bytes,
                ChecksumSHA256,
              }),
            )
          ).ETag
      parts[index] = { PartNumber, ETag, ChecksumSHA256 }
    }
  }
  // The first that fails ends it, and the others begin no part any more.
  const end = (error: unknown) => {
    next = count
    throw error
  }
  const all = await Promise.allSettled(
    Array.from({ length: Math.min(PARTS_AT_ONCE, count) }, () => work().catch(end)),
  )
  for (const each of all) if (each.status === 'rejected') throw each.reason
  await client.send(
    new CompleteMultipartUploadCommand({
      ...of,
      UploadId: uploadId,
      MultipartUpload: { Parts: parts },
    }),
  )
}

/** The upload under way for that key, or a new one. */
async function uploadFor({ client, bucket }: S3Place, key: string): Promise<string> {
  for await (const { id, key: of } of uploadsUnder({ client, bucket }, key))
    if (of === key) return id
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ChecksumAlgorithm: 'SHA256' }),
  )
  if (UploadId) return UploadId
  throw new Error('S3 began an upload and gave it no id.')
}

interface Part {
  readonly etag: string | undefined
  readonly checksum: string | undefined
  readonly sizeBytes: number | undefined
}

/** Not all who speak S3 tell the checksum of a part; its ETag is the MD5 then. */
const isSame = ({ checksum, etag, sizeBytes }: Part, bytes: Buffer, sha256: string): boolean =>
  sizeBytes === bytes.length &&
  (checksum ? checksum === sha256 : etag === `"${createHash('md5').update(bytes).digest('hex')}"`)

async function partsOf({ client, bucket }: S3Place, key: string, uploadId: string) {
  const parts = new Map<number, Part>()
  let from: { PartNumberMarker?: string } | null = {}
  while (from) {
    const page: ListPartsCommandOutput = await client.send(
      new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: uploadId, ...from }),
    )
    for (const { PartNumber, ETag, ChecksumSHA256, Size } of page.Parts ?? []) {
      if (PartNumber)
        parts.set(PartNumber, { etag: ETag, checksum: ChecksumSHA256, sizeBytes: Size })
    }
    const { NextPartNumberMarker: PartNumberMarker } = page
    from = page.IsTruncated && PartNumberMarker ? { PartNumberMarker } : null
  }
  return parts
}

async function* uploadsUnder({ client, bucket }: S3Place, prefix: string) {
  let from: { KeyMarker?: string; UploadIdMarker?: string } | null = {}
  while (from) {
    const page: ListMultipartUploadsCommandOutput = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...from }),
    )
    for (const { UploadId: id, Key: key, Initiated: begunAt } of page.Uploads ?? []) {
      if (id && key) yield { id, key, begunAt: begunAt ?? new Date(0) }
    }
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page
    from = page.IsTruncated && KeyMarker ? { KeyMarker, UploadIdMarker } : null
  }
}

/** Forgets the parts of uploads under that prefix, begun before that time, that were never completed. */
export async function abandonUploads(
  { client, bucket }: S3Place,
  prefix: string,
  before: Date,
): Promise<number> {
  let count = 0
  for await (const { id, key, begunAt } of uploadsUnder({ client, bucket }, prefix)) {
    if (begunAt >= before) continue
    await client
      .send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: id }))
      .catch((error) => {
        if (!isUploadGone(error)) throw error
      })
    count += 1
  }
  return count
}

async function readFully(file: FileHandle, into: Buffer, start: number): Promise<void> {
  for (let at = 0; at < into.length; ) {
    const { bytesRead } = await file.read(into, at, into.length - at, start + at)
    if (bytesRead === 0) throw new Error('The file became shorter than it was.')
    at += bytesRead
  }
}
