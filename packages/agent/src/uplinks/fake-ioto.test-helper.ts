/** A builder and its cloud as docs/dialects/ioto.md describes them: requests as bytes in, answers as bytes out. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import {
  claimedText,
  type IotoOffer,
  NOT_CLAIMED,
  NOTHING,
  offerText,
  PATHS,
  readBody,
} from '@updraft/wire/ioto'
import { onTestFinished } from 'vitest'
import { sha256, someBytes } from '../fake-server.test-helper.ts'

export const PRODUCT = 'PROD1'
export const TOKEN = 'ioto-token'
export const BYTES = someBytes(100_000)
export const IMAGE_PATH = '/image/app.bin?ticket=a%2Fb'

export interface Asked {
  /** As it came. */
  readonly text: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Answer = string | Buffer

/** A whole answer, spelled as all these clients can read it. */
export const answer = (body: Answer, head = 'HTTP/1.1 200 OK', more: readonly string[] = []) =>
  Buffer.concat([
    Buffer.from(
      [
        head,
        'Content-Type: application/json',
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Connection: close',
        ...more,
        '',
        '',
      ].join('\r\n'),
    ),
    Buffer.from(body),
  ])

export class FakeIoto {
  url = ''
  readonly asked: Asked[] = []
  /** How often a device registers before it is claimed. */
  unclaimedFor = 0
  token = TOKEN
  /** Null: there is nothing. */
  offer: IotoOffer | null = null
  bytes = BYTES
  /** By path, what is answered instead; used up one by one. */
  readonly instead: Record<string, Buffer[]> = {}
  onAsked = (_: Asked): void => {}

  static async start(): Promise<FakeIoto> {
    const fake = new FakeIoto()
    const open = new Set<Socket>()
    const server = createServer((socket) => {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => open.delete(socket))
      fake.#hear(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    onTestFinished(() => {
      for (const socket of open) socket.destroy()
      server.close()
    })
    return fake
  }

  /** Means that version for the device, until the device says it runs it. */
  mean(version: string, more: Partial<IotoOffer> = {}): void {
    const url = this.url + IMAGE_PATH
    this.offer = { url, checksum: sha256(this.bytes), update: `up-${version}`, version, ...more }
  }

  to(path: string): Asked[] {
    return this.asked.filter((asked) => asked.path.endsWith(path))
  }

  #hear(socket: Socket): void {
    let heard = ''
    socket.on('data', (piece) => {
      heard += piece.toString('latin1')
      const end = heard.indexOf('\r\n\r\n')
      if (end === -1) return
      const [first = '', ...lines] = heard.slice(0, end).split('\r\n')
      const headers = Object.fromEntries(
        lines.map((line) => line.split(': ')).map(([name = '', value = '']) => [name, value]),
      )
      const length = Number(headers['Content-Length'] ?? headers['content-length'] ?? 0)
      if (heard.length < end + 4 + length) return
      const body = Buffer.from(heard.slice(end + 4), 'latin1').toString('utf8')
      const asked = { text: heard, path: first.split(' ')[1] ?? '', headers, body }
      heard = ''
      this.asked.push(asked)
      this.onAsked(asked)
      const bytes = this.#answer(asked)
      socket.write(bytes)
      if (bytes.includes('Connection: close')) socket.end()
    })
  }

  #answer(asked: Asked): Buffer {
    const path = Object.values(PATHS).find((known) => asked.path.endsWith(known)) ?? asked.path
    const instead = this.instead[path]?.shift()
    if (instead) return instead
    const body = readBody(asked.body) ?? {}
    switch (path) {
      case PATHS.register:
        this.unclaimedFor -= 1
        if (this.unclaimedFor >= 0) return answer(NOT_CLAIMED)
        return answer(
          claimedText({
            id: String(body.id),
            api: `${this.url}/cloud`,
            token: this.token,
            cloudType: 'dedicated',
            cloudName: 'ours',
            cloudRegion: 'here',
          }),
        )
      case PATHS.provision:
        return answer('{"certificate":"c","key":"k","endpoint":"127.0.0.1","port":1}')
      case PATHS.check: {
        const runsIt = this.offer === null || body.version === this.offer.version
        return answer(runsIt || !this.offer ? NOTHING : offerText(this.offer))
      }
      case PATHS.report:
        return answer(NOTHING)
      case IMAGE_PATH:
        return answer(this.bytes)
      default:
        return answer('Not found', 'HTTP/1.1 404 Not Found')
    }
  }
}
