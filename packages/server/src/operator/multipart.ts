/** Requests with a file, as multipart/form-data: fields come first, then the file, which is read as it comes. */
import type { IncomingMessage } from 'node:http'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { DomainError } from '@updraft/core'

const MAX_FIELDS = 10
/** A client that goes on sending what nobody wants is cut off after this. */
const DISCARD_FOR_MS = 30_000

export interface IncomingFile {
  readonly part: string
  readonly fileName: string
  readonly contentType: string
  readonly bytes: AsyncIterable<Uint8Array>
}

export interface Multipart {
  /** Those that came before the file; those behind it are there once it was read to its end. */
  readonly fields: ReadonlyMap<string, string>
  readonly file: IncomingFile | null
  /** Takes in what nobody has read, so that the client gets to hear the answer. */
  discard(): void
}

export function readMultipart(
  request: IncomingMessage,
  { maxFieldBytes }: { maxFieldBytes: number },
): Promise<Multipart> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string>()
    const refuse = (message: string) => reject(new DomainError('request.malformed', message))
    let parser: InstanceType<typeof Busboy>
    try {
      parser = new Busboy({
        headers: request.headers as BusboyHeaders,
        limits: { fields: MAX_FIELDS, fieldSize: maxFieldBytes, files: 1 },
      })
    } catch {
      refuse('The multipart request names no boundary.')
      return
    }
    const broken = new DomainError('artifact.incomplete', 'The upload broke off before its end.')
    const discard = () => {
      const giveUp = setTimeout(() => request.destroy(), DISCARD_FOR_MS).unref()
      request.once('close', () => clearTimeout(giveUp))
      request.unpipe(parser)
      request.resume()
    }
    const resolveWith = (file: IncomingFile | null) => resolve({ fields, file, discard })
    parser.on('field', (name, value, _nameCut, isCut) => {
      if (isCut) reject(new DomainError('request.too-large', `The field ${name} is too long.`))
      fields.set(name, value)
    })
    parser.on('file', (part, stream, fileName, _encoding, contentType) => {
      // Whoever reads it is told; whoever does not need not know.
      stream.on('error', () => {})
      request.once('close', () => {
        if (!request.complete) stream.destroy(broken)
      })
      resolveWith({ part, fileName: fileName || part, contentType, bytes: stream })
    })
    parser.on('finish', () => resolveWith(null))
    parser.on('error', () => refuse('The multipart request cannot be read.'))
    request.once('close', () => {
      if (!request.complete) reject(broken)
    })
    request.pipe(parser)
  })
}
