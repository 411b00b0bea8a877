/** A CoAP endpoint to test with: a socket, an independent codec, and a clock that is turned by hand. */
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { generate, type Packet, type ParsedPacket, parse } from 'coap-packet'
import type { CoapClock } from './coap-clock.ts'

export interface HandClock extends CoapClock {
  /** Moves on, and runs what falls due on the way, in its order. */
  advance(ms: number): void
  readonly timerCount: number
}

export function handClock(): HandClock {
  let now = 0
  const timers = new Set<{ at: number; run: () => void }>()
  return {
    now: () => now,
    after: (ms, run) => {
      const timer = { at: now + ms, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: (ms) => {
      const until = now + ms
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
        if (!next) break
        now = next.at
        timers.delete(next)
        next.run()
      }
      now = until
    },
    get timerCount() {
      return timers.size
    },
  }
}

export interface Client {
  readonly name: string
  send(datagram: Buffer): void
  /** The next datagram that has come, or comes. */
  next(): Promise<ParsedPacket>
  /** The same as it is on the wire. */
  nextBytes(): Promise<Buffer>
  /** Sends the request and waits for the next datagram. */
  ask(request: Packet): Promise<ParsedPacket>
  /** What has come and was not asked for by `next`. */
  readonly unread: number
  close(): void
}

let lastId = 0

export async function client(port: number): Promise<Client> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const come: Buffer[] = []
  let wake = () => {}
  socket.on('message', (datagram: Buffer, _from: RemoteInfo) => {
    come.push(datagram)
    wake()
  })
  const send = (datagram: Buffer) => socket.send(datagram)
  const nextBytes = async (): Promise<Buffer> => {
    while (come.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return come.shift() as Buffer
  }
  const next = async () => parse(await nextBytes())
  return {
    name: `127.0.0.1 ${socket.address().port}`,
    send,
    next,
    nextBytes,
    ask: (request) => {
      send(datagram(request))
      return next()
    },
    get unread() {
      return come.length
    },
    close: () => socket.close(),
  }
}

export function datagram(request: Packet): Buffer {
  lastId = (lastId + 1) & 0xffff
  return generate({ confirmable: true, messageId: lastId, code: 'GET', ...request })
}

/** Options of an address such as `a/b?c=d`. */
export const address = (text: string): NonNullable<Packet['options']> => {
  const [path = '', query] = text.split('?')
  return [
    ...path.split('/').map((part) => ({ name: 'Uri-Path' as const, value: Buffer.from(part) })),
    ...(query?.split('&') ?? []).map((part) => ({
      name: 'Uri-Query' as const,
      value: Buffer.from(part),
    })),
  ]
}

export const uint = (value: number): Buffer => {
  const bytes: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.from(bytes)
}

export const block = (
  name: 'Block1' | 'Block2',
  { num, isMore = false, szx = 6 }: { num: number; isMore?: boolean; szx?: number },
) => ({ name, value: uint((num << 4) | (isMore ? 8 : 0) | szx) })

export const option = (packet: ParsedPacket, name: string): Buffer | undefined =>
  packet.options.find((each) => each.name === name)?.value

export const number = (packet: ParsedPacket, name: string): number | undefined => {
  const value = option(packet, name)
  return value?.reduce((sum, byte) => sum * 256 + byte, 0)
}
