/**
 * The headers of tus 1.0.0 (tus.io/protocols/resumable-upload), core, creation, creation-with-upload and termination:
 * how a client says what it sends, and is told where it goes on.
 *
 * They are ours to read rather than a library's. The library for servers, @tus/server, answers requests whole: past
 * the table of routes with its permissions, description and audit, in plain text where we answer problem documents,
 * with bodies that go through three streams before they can be written, and it brings clients for a Redis that is not
 * here. What is left of the protocol beside our own verbs is this file.
 */
import { API_PREFIX } from '@updraft/api/routes'
import { DomainError } from '@updraft/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Upload } from '../app/ports.ts'

const VERSION = '1.0.0'
const EXTENSIONS = ['creation', 'creation-with-upload', 'termination']
/** Of a length that is read; the disk is full before. */
const MAX_SIZE_BYTES = Number.MAX_SAFE_INTEGER
const MAX_NAME_LENGTH = 255

/** Refuses with upload.other-protocol. Who does not say what it speaks, as curl, is believed to speak this. */
export function speakTus(request: FastifyRequest, reply: FastifyReply): void {
  const spoken = headerOf(request, 'tus-resumable')
  reply.headers({ 'tus-resumable': VERSION })
  if (spoken === undefined || spoken === VERSION) return
  reply.headers({ 'tus-version': VERSION })
  const message = `Uploads speak tus ${VERSION} here, not ${spoken}.`
  throw new DomainError('upload.other-protocol', message)
}

/** What can be asked of uploads here: for a client that has not begun, and so says no version yet. */
export const tellAbilities = (reply: FastifyReply): void =>
  void reply.headers({
    'tus-resumable': VERSION,
    'tus-version': VERSION,
    'tus-extension': EXTENSIONS.join(','),
    'tus-max-size': MAX_SIZE_BYTES,
  })

/** What is to come. Refuses with request.malformed. */
export const announcedUpload = (
  request: FastifyRequest,
): { sizeBytes: number; fileName: string | null } => ({
  sizeBytes: bytesIn(request, 'upload-length'),
  fileName: fileNameIn(headerOf(request, 'upload-metadata') ?? ''),
})

/** Where the bytes of the request belong. Refuses with request.malformed. */
export const offsetOf = (request: FastifyRequest): number => bytesIn(request, 'upload-offset')

/** Where the upload is to be found. */
export const tellAddress = (reply: FastifyReply, { id }: Upload): void =>
  void reply.header('location', `${API_PREFIX}/uploads/${id}`)

/** Where it goes on. */
export const tellOffset = (reply: FastifyReply, { offsetBytes, sizeBytes }: Upload): void =>
  void reply.headers({ 'upload-offset': offsetBytes, 'upload-length': sizeBytes })

function bytesIn(request: FastifyRequest, name: string): number {
  const text = headerOf(request, name)
  const bytes = Number(text)
  if (text !== undefined && /^\d+$/.test(text) && bytes <= MAX_SIZE_BYTES) return bytes
  const message = `${name}: a whole number of bytes is needed here, not "${text ?? ''}".`
  throw new DomainError('request.malformed', message)
}

/** Pairs of a key and a value in Base64; of them the name of the file. */
function fileNameIn(metadata: string): string | null {
  const pairs = metadata.split(',').map((pair) => pair.trim().split(' '))
  const [, encoded = ''] = pairs.find(([key]) => key === 'filename') ?? []
  const name = Buffer.from(encoded, 'base64').toString('utf8').trim()
  return name === '' ? null : name.slice(0, MAX_NAME_LENGTH).toWellFormed()
}

const headerOf = ({ headers }: FastifyRequest, name: string): string | undefined =>
  [headers[name] ?? []].flat()[0]
