/** Datagrams such as a CoAP port on the internet hears: nonsense, and sense with something wrong in it. */
import type { Packet } from 'coap-packet'
import { address, block, type Client, datagram, uint } from './coap.test-helper.ts'

const CODES = ['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'FETCH', '2.05'] as const
/** Most of what makes sense is whole; what is left has a byte or two changed. */
const MOST_CHANGES = 3
const PING_ID = 0xabcd
const PONG = datagram({ code: '0.00', confirmable: false, reset: true, messageId: PING_ID })

/**
 * Noise by a generator of numbers from 0 to 1, about addresses of `addresses`. `payloads` are what some of them carry
 * besides bytes that mean nothing.
 */
export function noiseOf(
  random: () => number,
  { addresses, payloads = [] }: { addresses: readonly string[]; payloads?: readonly string[] },
): () => Buffer {
  const below = (max: number) => Math.floor(random() * max)
  const oneOf = <T>(all: readonly T[]) => all[below(all.length)] as T
  const bytes = (max: number) => Buffer.from(Array.from({ length: below(max) }, () => below(256)))
  const maybe = (chance: number, made: () => NonNullable<Packet['options']>[number]) =>
    random() < chance ? [made()] : []

  const payload = (): Buffer => {
    if (payloads.length > 0 && random() < 0.5) return Buffer.from(oneOf(payloads))
    return random() < 0.5 ? Buffer.alloc(16) : bytes(100)
  }
  return () => {
    if (random() < 0.3) return bytes(80)
    const made = datagram({
      code: oneOf(CODES),
      confirmable: random() < 0.7,
      messageId: below(0x10000),
      token: bytes(9),
      options: [
        ...maybe(0.2, () => ({ name: 'Observe', value: uint(below(3)) })),
        ...address(oneOf(addresses)),
        ...maybe(0.3, () => block('Block2', { num: below(6), szx: below(8) })),
        ...maybe(0.2, () => block('Block1', { num: below(3), isMore: random() < 0.7, szx: 0 })),
        ...maybe(0.1, () => ({ name: below(3000), value: bytes(20) })),
      ],
      payload: payload(),
    })
    for (let times = below(MOST_CHANGES); times > 0; times--) made[below(made.length)] = below(256)
    return made
  }
}

/** Sends the noise and reads all that comes back, so that the system never has to drop anything. */
export async function makeNoise(
  someone: Client,
  { noise, datagrams }: { noise: () => Buffer; datagrams: number },
): Promise<void> {
  for (let sent = 0; sent < datagrams; sent++) someone.send(noise())
  someone.send(datagram({ code: '0.00', messageId: PING_ID }))
  while (!(await someone.nextBytes()).equals(PONG));
}
