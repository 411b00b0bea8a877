/** HTTP as bytes on a socket, for clients that do what libraries would not. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawConnection {
  readonly socket: Socket
  send(text: string | Uint8Array): void
  /** All that has come, once it is enough or the server has closed the connection. */
  until(isEnough: (received: string) => boolean): Promise<string>
}

export async function rawHttp(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  let received = ''
  let isClosed = false
  let look = () => {}
  socket.on('data', (piece) => {
    received += piece.toString('latin1')
    look()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
    look()
  })
  return {
    socket,
    send: (text) => void socket.write(text),
    until: (isEnough) =>
      new Promise((resolve) => {
        look = () => {
          if (isClosed || isEnough(received)) resolve(received)
        }
        look()
      }),
  }
}

/** A request as it stands on the wire. */
export const rawRequest = (
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): string => {
  const all = {
    host: 'updates.example',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return `${[`${line} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n${body}`
}

/** The status codes of the answers in what was received. */
export const statuses = (received: string): number[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code))
