/**
 * The files of a device's actions. Some clients read them in hundreds of ranges within a minute: that the device may
 * have a file is remembered for a while, and of its ranges one in half a minute is a sign of life.
 */

import { CLIENT_LIMITS } from '@updraft/core'
import { MD5_ENDING, md5Text, readActionId } from '@updraft/wire/hawkbit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { DeviceDesk, Source } from '../../app/device-desk.ts'
import type { HawkbitClient, HawkbitDesk, HawkbitPart } from '../../app/hawkbit-desk.ts'
import { contentDisposition, replyWithSource } from '../../transports/byte-reply.ts'
import { byteSource } from '../../transports/byte-source.ts'
import { shownCertificates } from '../../transports/client-certificate.ts'
import { noModule, Refused, type Request } from './refused.ts'

const REMEMBERED_MS = 30_000
const MAX_REMEMBERED = 10_000
const NOTED_EVERY_MS = 30_000

/** A file that a device may have. */
interface Granted {
  readonly until: number
  readonly client: HawkbitClient
  readonly part: HawkbitPart
  readonly operationId: string
  readonly source: Source
}

export function hawkbitFiles(
  app: FastifyInstance,
  {
    path,
    desk,
    hawkbit,
    entered,
  }: {
    path: string
    desk: Pick<DeviceDesk, 'sourceOf' | 'noteFetching'>
    hawkbit: Pick<HawkbitDesk, 'file' | 'openFile'>
    entered: (request: Request) => Promise<HawkbitClient>
  },
): void {
  const granted = new Map<string, Granted>()
  const noted = new Map<string, number>()

  const grant = async (request: Request, key: string): Promise<Granted> => {
    const client = await entered(request)
    const file = await hawkbit.file(client, readActionId(request.params.moduleId) ?? 0)
    if (!file) throw noModule()
    const source = await desk.sourceOf(client.device, file.part.release)
    const made = { ...file, client, source, until: performance.now() + REMEMBERED_MS }
    if (granted.size >= MAX_REMEMBERED) granted.clear()
    granted.set(key, made)
    return made
  }

  const grantedTo = async (request: Request): Promise<Granted> => {
    const key = keyOf(request)
    const known = granted.get(key)
    return known && known.until > performance.now() ? known : grant(request, key)
  }

  /** The device is at it; with an answer that went to the end of the file, it has all of it. */
  const note = ({ client, operationId }: Granted, request: Request, reply: FastifyReply): void => {
    if (request.method !== 'GET') return
    const { range } = request.headers
    const now = performance.now()
    const isNews = (noted.get(operationId) ?? -NOTED_EVERY_MS) + NOTED_EVERY_MS <= now
    if (isNews) {
      if (noted.size >= MAX_REMEMBERED) noted.clear()
      noted.set(operationId, now)
    }
    const operation = { id: operationId }
    const begun = isNews
      ? desk.noteFetching(client.device, operation, { isWhole: false })
      : Promise.resolve()
    if (range !== undefined && !/^bytes=\s*\d+-\s*$/i.test(range)) return
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished || reply.raw.statusCode >= 300) return
      void begun.then(() => desk.noteFetching(client.device, operation, { isWhole: true }))
    })
  }

  app.route({
    method: ['GET', 'HEAD'],
    url: path,
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const asked = request as Request
      const { fileName } = asked.params
      const file = await grantedTo(asked)
      const { part, source } = file
      const { artifact, createdAt } = part.release
      if (!artifact) throw noModule()
      if (fileName === `${artifact.fileName}${MD5_ENDING}`) {
        if (!part.digests) throw noModule()
        return reply
          .header('content-disposition', contentDisposition(fileName))
          .type('text/plain')
          .send(md5Text(part.digests.md5, artifact.fileName))
      }
      if (fileName !== artifact.fileName) throw noModule()
      const name = part.digests?.sha1 ?? artifact.sha256
      const etag = `"${name}"`
      const { 'if-match': ifMatch, 'if-range': ifRange } = request.headers
      if (ifMatch !== undefined && !matches(ifMatch, name)) {
        throw new Refused(412, 'precondition', 'The file is another one.')
      }
      const modified = createdAt.toUTCString()
      // The moment that was told beside it stands for the same bytes.
      if (ifRange === modified) request.headers['if-range'] = etag
      note(file, asked, reply)
      // Addresses of buckets are signed for GET alone.
      if (source.kind === 'url' && request.method === 'GET' && canFollow(file.client)) {
        return reply.redirect(source.url, 302)
      }
      reply.header('last-modified', modified).header('x-content-type-options', 'nosniff')
      const handle = await hawkbit.openFile(artifact.sha256)
      const bytes = byteSource(handle, { name, fileName: artifact.fileName })
      return replyWithSource(request, reply, bytes)
    },
  })
}

const canFollow = ({ kind }: HawkbitClient): boolean => CLIENT_LIMITS[kind].canFollow

/** hawkBit's own tags stand without quotes, and its clients have it from there. */
const matches = (ifMatch: string, name: string): boolean =>
  ifMatch.split(',').some((tag) => ['*', name, `"${name}"`].includes(tag.trim()))

/** Who asks for what, in all that is shown of it. */
function keyOf({ headers, raw }: Request): string {
  const shown = Object.entries(headers).filter(([name]) =>
    /^(authorization|x-controller-id|x-authority.*|x-ssl-.*)$/.test(name),
  )
  const [certificate] = shownCertificates(raw.socket)
  return JSON.stringify([raw.url, shown, certificate?.toString('base64')])
}
