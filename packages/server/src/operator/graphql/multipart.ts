/**
 * Requests with a file, as multipart/form-data: what is asked comes first, then the file, which is read as it comes.
 * Two ways to say which variable is the file are understood: `operations` and `map` of the GraphQL multipart request
 * specification, and `query` and `variables` where the variable names the part.
 */
import type { IncomingMessage } from 'node:http'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { DomainError, type Json } from '@updraft/core'
import { MAX_BODY_BYTES } from './limits.ts'
import { type GraphqlParams, paramsOf, readJson } from './params.ts'
import { type IncomingFile, Upload } from './upload.ts'

const MAX_FIELDS = 10
/** A client that goes on sending what nobody wants is cut off after this. */
const DISCARD_FOR_MS = 30_000

export interface Multipart {
  readonly params: GraphqlParams
  readonly file: IncomingFile | null
  /** Takes in what nobody has read, so that the client gets to hear the answer. */
  discard(): void
}

export function readMultipart(request: IncomingMessage): Promise<Multipart> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string>()
    const refuse = (message: string) => reject(new DomainError('request.malformed', message))
    let parser: InstanceType<typeof Busboy>
    try {
      parser = new Busboy({
        headers: request.headers as BusboyHeaders,
        limits: { fields: MAX_FIELDS, fieldSize: MAX_BODY_BYTES, files: 1 },
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
    const resolveWith = (file: IncomingFile | null) => {
      try {
        resolve({ params: paramsIn(fields), file, discard })
      } catch (error) {
        discard()
        reject(error)
      }
    }
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

function paramsIn(fields: ReadonlyMap<string, string>): GraphqlParams {
  const operations = fields.get('operations')
  if (operations === undefined) return paramsOf(Object.fromEntries(fields))
  const params = paramsOf(readJson(operations, 'operations'))
  const map = readJson(fields.get('map') ?? '{}', 'map')
  if (typeof map !== 'object' || map === null) {
    throw new DomainError('request.malformed', 'map: an object of parts and the places they go to.')
  }
  for (const [part, places] of Object.entries(map)) {
    for (const place of [places].flat()) put(params.variables, String(place), new Upload(part))
  }
  return params
}

/** Puts a file where a path such as `variables.input.file` leads. */
function put(variables: Record<string, unknown>, place: string, upload: Upload): void {
  const [first, ...path] = place.split('.')
  const last = path.pop()
  let at: unknown = variables
  for (const name of path) {
    at =
      typeof at === 'object' && at !== null && Object.hasOwn(at, name)
        ? (at as Record<string, Json>)[name]
        : null
  }
  if (
    first !== 'variables' ||
    last === undefined ||
    typeof at !== 'object' ||
    at === null ||
    last === '__proto__'
  ) {
    throw new DomainError('request.malformed', `map: there is no ${place}.`)
  }
  ;(at as Record<string, unknown>)[last] = upload
}
