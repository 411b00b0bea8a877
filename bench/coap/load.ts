// Clients of the CoAP benchmark: each fetches a file by Block2, one request at a time, as devices do (RFC 7959).

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { settingsOf } from '../parts/children.ts'

export interface LoadSettings {
  readonly port: number
  readonly path: readonly string[]
  /** What must come. */
  readonly file: string
  readonly clients: number
  /** How often each of them fetches it. */
  readonly times: number
}

export interface Load {
  readonly bytes: number
  readonly seconds: number
  /** Requests that had to be sent once more. */
  readonly again: number
}

const RETRANSMIT_MS = 1000
const BLOCK_BYTES = 1024
const SZX = 6
const [URI_PATH, BLOCK2] = [11, 23]

const { port, path, file, clients, times } = settingsOf<LoadSettings>()
const expected = readFileSync(file)
const blocks = Math.ceil(expected.length / BLOCK_BYTES)
let again = 0

/** One request for all blocks: only the message id and the number of the block change. */
function requestFor(token: Buffer): Buffer {
  const options: number[] = []
  let before = 0
  const add = (number: number, value: Uint8Array) => {
    const [delta, { length }] = [number - before, value]
    options.push((delta << 4) | Math.min(length, 13))
    if (length >= 13) options.push(length - 13)
    options.push(...value)
    before = number
  }
  for (const part of path) add(URI_PATH, Buffer.from(part))
  add(BLOCK2, new Uint8Array(3))
  return Buffer.from([0x40 | token.length, 1, 0, 0, ...token, ...options])
}

async function fetchAll(client: number): Promise<void> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const token = Buffer.from([client >> 8, client, 0xc0, 0xa9])
  const request = requestFor(token)
  const body = Buffer.alloc(expected.length)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let id = client
  let num = 0
  let fetched = 0
  let sentAt = 0
  const send = () => {
    sentAt = performance.now()
    // The socket may hold on to what it sends.
    socket.send(Buffer.from(request))
  }
  const ask = () => {
    id = (id + 1) & 0xffff
    request.writeUInt16BE(id, 2)
    request.writeUIntBE((num << 4) | SZX, request.length - 3, 3)
    send()
  }
  const late = setInterval(() => {
    if (performance.now() - sentAt < RETRANSMIT_MS) return
    again += 1
    send()
  }, RETRANSMIT_MS / 4)
  socket.on('error', reject)
  socket.on('message', (answer: Buffer) => {
    // An answer to an earlier request that was sent twice.
    if (answer.readUInt16BE(2) !== id) return
    if (answer[0] !== (0x60 | token.length) || answer[1] !== 0x45) {
      return reject(new Error(`An answer was ${answer.toString('hex', 0, 16)}.`))
    }
    const { block, payload } = partsOf(answer, 4 + token.length)
    const isMore = num < blocks - 1
    if (block !== ((num << 4) | (isMore ? 8 : 0) | SZX)) {
      return reject(new Error(`Block ${num} came as ${block >> 4}, ${block & 15}.`))
    }
    payload.copy(body, num * BLOCK_BYTES)
    num += 1
    if (isMore) return ask()
    if (!body.equals(expected)) return reject(new Error('Other bytes came than are served.'))
    body.fill(0)
    num = 0
    fetched += 1
    if (fetched < times) ask()
    else resolve()
  })
  ask()
  try {
    await promise
  } finally {
    clearInterval(late)
    socket.close()
  }
}

/** The Block2 option and the payload. */
function partsOf(answer: Buffer, start: number): { block: number; payload: Buffer } {
  let [at, number, block] = [start, 0, 0]
  while (at < answer.length && answer[at] !== 0xff) {
    const head = answer[at++] ?? 0
    const long = (nibble: number) => {
      if (nibble < 13) return nibble
      if (nibble === 13) return 13 + (answer[at++] ?? 0)
      at += 2
      return 269 + answer.readUInt16BE(at - 2)
    }
    number += long(head >> 4)
    const length = long(head & 15)
    if (number === BLOCK2) block = length === 0 ? 0 : answer.readUIntBE(at, length)
    at += length
  }
  return { block, payload: answer.subarray(at + 1) }
}

const began = performance.now()
await Promise.all(Array.from({ length: clients }, (_, client) => fetchAll(client)))
const load: Load = {
  bytes: expected.length * clients * times,
  seconds: (performance.now() - began) / 1000,
  again,
}
console.log(JSON.stringify(load))
