/**
 * Odoo's IoT boxes over HTTP: the series they follow, their announcement, their handlers. No box is answered an error to
 * its fetch: some delete the handlers they have. Each fact with its section in docs/dialects/odoo-iot.md.
 */
import { begunWith, DomainError, HANDLERS } from '@updraft/core'
import {
  IMAGE_PATHS,
  IMAGE_SUMS,
  isMac,
  type LogLine,
  noNewImageSums,
  PATHS,
  readEtag,
  readHandlersRequest,
  readLog,
  readSetup,
  resultText,
  type Setup,
  versionInfo,
} from '@updraft/wire/odoo-iot'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { replyWithSource } from '../../transports/byte-reply.ts'
import { byteSource } from '../../transports/byte-source.ts'
import { replyExactly } from '../../transports/exact-reply.ts'
import { readTextBodies } from '../../transports/http.ts'
import type { Dialect } from '../dialect.ts'
import { type Given, handlersFor, NAME } from './handlers.ts'
import { imageListing, imageNamed } from './images.ts'
import { boxLines, type LineNeeds } from './line.ts'
import { factsOf, inventoryOf, levelOf, platformOf } from './translate.ts'

/** So many a box sends at once, and a few more. */
const MAX_LINES_AT_ONCE = 200
/** Of what a box logs, what stands in the log of the device: errors of one batch, an hour apart. */
const ERROR_LEVEL = 40
const MAX_LINES = 20
const MAX_LINE_LENGTH = 500
const MAX_BODY_BYTES = 1_048_576
/** Boxes give a fetch up after 8 seconds, and the newest an announcement after 5. */
const PATIENCE_MS = 4_000

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly etag?: string
  readonly body: string | Uint8Array
  /** Called when it is on its way, and when all of it has left. */
  readonly taken?: (how: { readonly isWhole: boolean }) => Promise<void>
}

const json = (body: string): Answer => ({ status: 200, contentType: 'application/json', body })
const text = (body: string): Answer => ({ status: 200, contentType: 'text/plain', body })
const EMPTY: Answer = { status: 200, contentType: 'application/zip', body: '' }
/** A box passes over what is not 200, and keeps the code it has. */
const silence = (status: number): Answer => ({ status, contentType: 'application/json', body: '' })

export function odooIot(needs: LineNeeds): Dialect {
  const { desk } = needs

  const info = async (request: FastifyRequest): Promise<Answer> => {
    const server = await desk.boxServerAt(request.host.toLowerCase())
    return server ? json(resultText(versionInfo(server.series), textOf(request))) : silence(404)
  }

  const setup = async (request: FastifyRequest): Promise<Answer> => {
    const said = readSetup(textOf(request))
    const channel = said ? await announced(said, request) : null
    return json(resultText(channel ?? '', textOf(request)))
  }

  /** The channel by which it is told what to do; null while it is none of ours. */
  const announced = async (said: Setup, request: FastifyRequest): Promise<string | null> => {
    const { identifier, mac, token = '' } = said
    const names: [string, ...string[]] = [identifier]
    if (mac !== null && mac !== identifier) names.push(mac)
    const known = await desk
      .announceBox({ names, isHardware: isMac, token, facts: inventoryOf(said) }, NAME)
      .catch(async (error) => {
        if (!(error instanceof DomainError) || error.code !== 'provisioning.refused') throw error
        await noteStranger(names)
        return null
      })
    if (!known) return null
    const { box, device } = known
    const facts = factsOf(said, begunWith(device))
    const { desired, held } = await desk.checkIn(device, facts, { tells: [], isTacit: true })
    const heldBack = held.find(({ release }) => release.type === HANDLERS)
    const meant = desired[HANDLERS] ?? heldBack?.release
    // It asks for them next, and waits for seconds only.
    if (meant?.artifact) {
      const platform = platformOf({ inventory: facts.inventory ?? {} })
      desk
        .handlersOf(meant, platform)
        .catch((error) => request.log.warn({ err: error }, 'handlers could not be made ready'))
    }
    request.log.info({ device: device.device.name, version: said.versionText }, 'announced')
    return box.channel
  }

  /** One that we know came with a token that is nobody's: an operator is to paste another. */
  const noteStranger = async (names: readonly string[]) => {
    const known = await desk.boxNamed(names, NAME)
    if (!known) return
    const message = 'The token of the box is that of no profile any more; paste the one of today.'
    const reason = { code: 'provisioning.refused', message } as const
    await desk.notice(known.device, { kind: 'message.refused', data: {}, reason })
  }

  const handlers = async (request: FastifyRequest): Promise<Answer> => {
    const asked = readHandlersRequest(textOf(request))
    const given = await handlersFor(desk, asked, readEtag(request.headers['if-none-match']))
    request.log.info({ boxes: asked.names, given: given.kind }, 'asked for handlers')
    return spelled(given)
  }

  /** A box waits half a second, and never tells the same again: it is answered before anything is kept. */
  const log = async (request: FastifyRequest): Promise<Answer> => {
    const { names, lines } = readLog(textOf(request))
    if (lines.length > 0) {
      kept(names, lines).catch((error) => {
        request.log.warn({ err: error }, 'what a box logs could not be kept')
      })
    }
    return json(resultText(true))
  }
  const kept = async (names: readonly string[], lines: readonly LogLine[]) => {
    const whose = await desk.boxCalled(names)
    if (!whose) return
    const said = lines.slice(0, MAX_LINES_AT_ONCE)
    await desk.keepLines(
      whose,
      said.map(({ level, text: message }) => ({ level: levelOf(level), message })),
    )
    const errors = lines.filter(({ level }) => level >= ERROR_LEVEL).slice(0, MAX_LINES)
    const known = errors.length > 0 ? await desk.boxNamed(names, NAME) : null
    if (known) {
      const told = errors.map(({ text }) => text.replaceAll('\0', '').slice(0, MAX_LINE_LENGTH))
      const data = { lines: told.map((text) => text.toWellFormed()) }
      await desk.notice(known.device, { kind: 'device.logged', data })
    }
  }

  const http = (app: FastifyInstance): void => {
    readTextBodies(app, MAX_BODY_BYTES)
    // What was found wrong before any handler saw it: a body too large, or one that broke off.
    app.setErrorHandler((error, request, reply) => {
      request.log.info({ err: error }, 'could not be read')
      return send(request, reply, meekAnswer(request))
    })

    const answering =
      (work: (request: FastifyRequest) => Promise<Answer>) =>
      async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
        const late = Promise.withResolvers<never>()
        const patience = setTimeout(() => late.reject(tooLate()), PATIENCE_MS)
        const answer = await Promise.race([work(request), late.promise])
          .catch((error) => {
            noteFault(error, request)
            return meekAnswer(request)
          })
          .finally(() => clearTimeout(patience))
        return send(request, reply, answer)
      }

    const accepted = async (request: FastifyRequest): Promise<Answer> =>
      json(resultText(true, textOf(request)))

    /** Whose images are asked for: by the host, or by the one that a proxy names. */
    const imagesFor = (request: FastifyRequest) => {
      const { host } = request.params as { host?: string }
      const at = (host ?? request.host).toLowerCase()
      return desk.imagesAt(at, { orOnly: host === undefined })
    }
    const listed = async (request: FastifyRequest): Promise<Answer> => {
      const images = await imagesFor(request)
      return images ? text(await imageListing(desk, images)) : silence(404)
    }
    for (const path of Object.values(IMAGE_PATHS)) {
      app.get(path.replace(':file', IMAGE_SUMS), answering(listed))
      app.get<{ Params: { file: string } }>(path, async (request, reply) => {
        const { file: fileName } = request.params
        const image = imageNamed((await imagesFor(request)) ?? [], fileName)
        if (!image) return send(request, reply, silence(404))
        const source = byteSource(await desk.openImage(image), { name: image.sha256, fileName })
        await replyWithSource(request, reply, source)
        return reply
      })
    }
    app.post(PATHS.versionInfo, answering(info))
    app.post(PATHS.setup, answering(setup))
    app.post(PATHS.getHandlers, answering(handlers))
    app.post(PATHS.printerStatus, answering(accepted))
    app.post(PATHS.sendWebsocket, answering(accepted))
    app.post(PATHS.log, answering(log))
  }

  return { name: NAME, http, websocket: boxLines(needs) }
}

function spelled(given: Given): Answer {
  const contentType = 'application/zip'
  switch (given.kind) {
    case 'nothing':
      return EMPTY
    case 'has-it':
      return { status: 304, contentType, etag: given.etag, body: '' }
    case 'archive':
      return {
        status: 200,
        contentType,
        etag: given.etag,
        body: given.handlers.bytes,
        taken: given.taken,
      }
  }
}

const textOf = ({ body }: FastifyRequest): string => (typeof body === 'string' ? body : '')

function send(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  const { taken } = answer
  if (taken) {
    const note = (isWhole: boolean) =>
      taken({ isWhole }).catch((error) => {
        request.log.warn({ err: error }, 'what a box was given could not be noted')
      })
    const begun = note(false)
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) void begun.then(() => note(true))
    })
  }
  replyExactly(reply, answer)
  return reply
}

const tooLate = () => new DomainError('store.away', 'The answer took too long.')

function noteFault(error: unknown, request: FastifyRequest): void {
  if (!(error instanceof DomainError)) request.log.error({ err: error }, 'a bug')
  else if (error.code === 'store.away') request.log.warn({ err: error }, error.message)
  else request.log.info({ code: error.code }, error.message)
}

/** What harms no box that asked for that. */
function meekAnswer(request: FastifyRequest): Answer {
  const path = request.url.split('?')[0]
  if (path === PATHS.getHandlers) return EMPTY
  if (path === PATHS.versionInfo) return silence(503)
  if (path?.endsWith(`/${IMAGE_SUMS}`)) return text(noNewImageSums())
  if (request.method !== 'POST') return silence(503)
  return json(resultText(path === PATHS.setup ? '' : true, textOf(request)))
}
