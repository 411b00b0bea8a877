/**
 * The CoAP listener over UDP: RFC 7252, with observing (RFC 7641) and bodies in blocks (RFC 7959). Knows datagrams,
 * paths and limits; knows nothing of updates. Whatever strangers send, its memory stays within fixed bounds, and
 * what they get back is hardly larger than what they sent.
 */
import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns'
import {
  type Block,
  blockValue,
  CODES,
  type CoapCode,
  type CoapMessage,
  EMPTY,
  type Malformed,
  METHODS,
  type NewMessage,
  OPTIONS,
  readMessage,
  TYPES,
  writeMessage,
} from '@updraft/wire/coap-message'
import { inOrder, type Rendered, renderBlock, renderResponse } from './coap-answer.ts'
import { MAX_UPLOAD_BYTES, type Reading, readings, uploads } from './coap-blocks.ts'
import { type CoapClock, SYSTEM_CLOCK } from './coap-clock.ts'
import { exchanges, type Peer } from './coap-exchanges.ts'
import { observations } from './coap-observe.ts'
import {
  type Asked,
  type CoapResponse,
  type CoapScope,
  laterBlockOf,
  readRequest,
} from './coap-request.ts'

export interface CoapOptions {
  readonly log: { error(details: object, message: string): void }
  readonly scopes: readonly CoapScope[]
  readonly clock?: CoapClock
  /** From 0 up to, not including, 1: where ids start, and how retransmissions spread. */
  readonly random?: () => number
}

export interface CoapListener {
  listen(address: { host: string; port: number }): Promise<{ port: number }>
  /** Takes no more requests, ends all observations, finishes what is at hand, then resolves. */
  close(): Promise<void>
  /** What is kept at the moment; each of it is bounded. */
  readonly load: Readonly<
    Record<'remembered' | 'waiting' | 'held' | 'uploads' | 'observations' | 'atWork', number>
  >
}

/** An answer that takes longer is announced by an empty acknowledgement: clients repeat after two seconds. */
const ACKNOWLEDGE_AFTER_MS = 1000
const MAX_AT_WORK = 2048
const RETRY_AFTER_SECONDS = 5
/** Room for a burst of a fleet; the system may allow less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
const ETAG_BYTES = 8
/** Methods are codes of class 0. */
const FIRST_NON_METHOD = 1 << 5

const BUSY: CoapResponse = { code: '5.03', maxAgeSeconds: RETRY_AFTER_SECONDS }

export function coapListener({
  log,
  scopes,
  clock = SYSTEM_CLOCK,
  random = Math.random,
}: CoapOptions): CoapListener {
  let socket: Socket | undefined
  const atWork = new Set<Promise<void>>()
  let isClosing = false
  let madeEtags = Math.floor(random() * 2 ** 32)

  const send = (datagram: Buffer, { address, port }: Peer): void => {
    socket?.send(datagram, port, address)
  }
  const held = readings(clock)
  const uploading = uploads(clock)
  const known = exchanges({ clock, random, send })
  const observed = observations({
    clock,
    send: async ({ peer, token, address }, type, response, sequence) => {
      const { code, options, payload } = await render(response, { peer, address })
      const observe = sequence === undefined ? undefined : ([OPTIONS.observe, sequence] as const)
      return known.send({ type, code, token, options: inOrder(observe, ...options), payload }, peer)
    },
  })

  function receive(datagram: Buffer, address: string, port: number): void {
    const message = readMessage(datagram)
    if (!message) return
    const from: Peer = { address, port, name: `${address} ${port}` }
    if ('isMalformed' in message) reject(message, from)
    else if (message.code === EMPTY) hearEmpty(message, from)
    // Answers to what we did not ask, and classes that are reserved.
    else if (message.code >= FIRST_NON_METHOD) reject(message, from)
    else if (message.type !== TYPES.acknowledgement && message.type !== TYPES.reset) {
      if (!isClosing) hearRequest(message, from)
    }
  }

  function hearEmpty({ type, id }: CoapMessage, from: Peer): void {
    if (type === TYPES.acknowledgement) known.settle(id, from, 'acknowledged')
    else if (type === TYPES.reset) {
      if (!known.settle(id, from, 'refused')) observed.refused(from, id)
    } else if (type === TYPES.confirmable) reset(id, from)
  }

  function reject({ type, id }: CoapMessage | Malformed, from: Peer): void {
    if (type === TYPES.confirmable) reset(id, from)
  }

  const reset = (id: number, to: Peer): void =>
    send(writeMessage({ type: TYPES.reset, code: EMPTY, id }), to)

  function hearRequest(request: CoapMessage, from: Peer): void {
    const block = laterBlockOf(request)
    const reading = block && held.held(keyOf(from, request.address))
    if (block && reading) {
      // Reading is idempotent, so these requests need not be remembered (RFC 7252, section 4.5).
      void sendBlock({ request, from, reading, block })
      return
    }
    const asked = readRequest(request)
    // An option that must be understood and is not: refused or, where no answer is owed, ignored (section 5.4.1).
    if (asked === '4.02' && request.type !== TYPES.confirmable) return
    if (!known.begin(request, from)) return
    const work = answer(request, asked, from).finally(() => atWork.delete(work))
    atWork.add(work)
  }

  async function sendBlock({
    request,
    from,
    reading,
    block,
  }: {
    request: CoapMessage
    from: Peer
    reading: Reading
    block: Block
  }): Promise<void> {
    const { code, options, payload } = await renderBlock(reading, block).catch(brokenAnswer)
    const { id, token } = request
    if (request.type !== TYPES.confirmable) {
      known.send({ type: TYPES.nonConfirmable, code, token, options, payload }, from)
    } else {
      send(writeMessage({ type: TYPES.acknowledgement, code, id, token, options, payload }), from)
    }
  }

  async function answer(request: CoapMessage, asked: Asked | CoapCode, from: Peer): Promise<void> {
    const reply = replyTo(request, from)
    reply(await answerOf(request, asked, from).catch(brokenAnswer))
  }

  async function answerOf(
    request: CoapMessage,
    asked: Asked | CoapCode,
    from: Peer,
  ): Promise<Rendered & { undelivered?: () => void }> {
    if (typeof asked === 'string') return { code: CODES[asked], options: [] }
    const { observe, block1, block2, size1 } = asked
    const { token, address } = request
    if (observe === 1 && observed.deregister(from, token)) {
      return { code: CODES['2.02'], options: [] }
    }
    let { payload } = request
    if (block1) {
      const key = `${request.code} ${keyOf(from, address)}`
      const uploaded = uploading.take(key, block1, payload, size1)
      if (uploaded.kind === 'not-yet') {
        const { code } = uploaded
        const limit = code === '4.13' ? ([OPTIONS.size1, MAX_UPLOAD_BYTES] as const) : undefined
        const options = inOrder([OPTIONS.block1, blockValue(block1)], limit)
        return { code: CODES[code], options }
      }
      payload = uploaded.payload
    }
    const response = await ask(asked, payload, from)
    const rendered = await render(response, { peer: from, address, block: block2 })
    const isConfirmable = request.type === TYPES.confirmable
    const observer = { peer: from, token: Buffer.from(token), address, isConfirmable }
    const sequence =
      response.observation && observe === 0 && !isClosing
        ? observed.register(observer, response.observation)
        : undefined
    const options = inOrder(
      ...rendered.options,
      block1 && [OPTIONS.block1, blockValue(block1)],
      sequence === undefined ? undefined : [OPTIONS.observe, sequence],
    )
    const undelivered =
      sequence === undefined ? undefined : () => void observed.deregister(from, observer.token)
    return { ...rendered, options, undelivered }
  }

  async function ask(asked: Asked, payload: Buffer, from: Peer): Promise<CoapResponse> {
    const { method, path, query, contentFormat, accept, observe } = asked
    const scope = scopes.find(({ roots }) => roots.includes(path[0] ?? ''))
    if (!scope) return { code: '4.04' }
    if (atWork.size > MAX_AT_WORK) return BUSY
    const observes = method === 'GET' && observe === 0
    return scope.answer({
      method,
      path,
      query,
      payload,
      contentFormat,
      accept,
      observes,
      from: from.name,
    })
  }

  /**
   * A piggybacked answer when it comes soon, else an acknowledgement first and the answer by itself. Never so after a
   * GET: asking again is harmless, while libcoap up to 4.3.4 drops the first block of a body when it comes by itself
   * (its issue 1595).
   */
  function replyTo(request: CoapMessage, from: Peer) {
    const { id, token } = request
    const isConfirmable = request.type === TYPES.confirmable
    let isAcknowledged = false
    const acknowledge = (
      answer: Pick<NewMessage, 'code' | 'token' | 'options' | 'payload'>,
    ): void => {
      isAcknowledged = true
      const datagram = writeMessage({ ...answer, type: TYPES.acknowledgement, id })
      known.remember(request, from, datagram)
      send(datagram, from)
    }
    const isAnnounced = isConfirmable && METHODS[request.code - 1] !== 'GET'
    const stop = isAnnounced
      ? clock.after(ACKNOWLEDGE_AFTER_MS, () => acknowledge({ code: EMPTY }))
      : () => {}
    return ({ undelivered, ...answer }: Rendered & { undelivered?: () => void }): void => {
      stop()
      if (isConfirmable && !isAcknowledged) {
        acknowledge({ ...answer, token })
        return
      }
      const type = isConfirmable ? TYPES.confirmable : TYPES.nonConfirmable
      void known.send({ ...answer, type, token }, from).outcome.then((outcome) => {
        if (outcome !== 'acknowledged') undelivered?.()
      })
    }
  }

  const render = (
    response: CoapResponse,
    { peer, address, block }: { peer: Peer; address: string; block?: Block },
  ): Promise<Rendered> =>
    renderResponse(response, {
      block,
      newEtag,
      now: clock.now(),
      hold: (reading) => held.hold(keyOf(peer, address), reading),
    })

  function newEtag(): Buffer {
    madeEtags += 1
    const etag = Buffer.alloc(ETAG_BYTES)
    etag.writeDoubleBE(madeEtags)
    return etag
  }

  function brokenAnswer(error: unknown): Rendered {
    log.error({ err: error }, 'a bug')
    return { code: CODES['5.00'], options: [] }
  }

  return {
    listen: async ({ host, port }) => {
      const family = host.includes(':') ? 6 : 4
      let isBound = false
      const opened = createSocket({
        type: `udp${family}`,
        recvBufferSize: RECEIVE_BUFFER_BYTES,
        // Once bound it sends to where datagrams came from, and looking such an address up would cost each a while.
        lookup: (name, options, found) => {
          if (isBound) found(null, name, family)
          else lookup(name, options as { family: number }, found)
        },
      })
      await new Promise<void>((resolve, reject) => {
        const refuse = (error: Error) => {
          opened.close()
          reject(error)
        }
        opened.once('error', refuse)
        opened.bind(port, host, () => {
          opened.removeListener('error', refuse)
          isBound = true
          resolve()
        })
      })
      // A datagram that cannot be sent is one that was lost: whoever misses it asks again.
      opened.on('error', () => {})
      opened.on('message', (datagram, { address, port }) => receive(datagram, address, port))
      socket = opened
      return { port: opened.address().port }
    },
    close: async () => {
      isClosing = true
      observed.close()
      await Promise.all(atWork)
      known.close()
      held.close()
      uploading.close()
      for (const scope of scopes) scope.close?.()
      const opened = socket
      socket = undefined
      if (opened) await new Promise<void>((resolve) => opened.close(() => resolve()))
    },
    get load() {
      return {
        remembered: known.rememberedCount,
        waiting: known.waitingCount,
        held: held.count,
        uploads: uploading.count,
        observations: observed.count,
        atWork: atWork.size,
      }
    },
  }
}

/** Equal for requests of one client for one address. */
const keyOf = (peer: Peer, address: string): string => `${peer.name} ${address}`
