// Devices on an open line over MQTT, which note when they are told of a release.

import { connect, type Socket } from 'node:net'
import { generate } from 'mqtt-packet'
import { tokenOf } from '../parts/fleet.ts'

/** So many open at a time: each is a look into the database. */
const AT_ONCE = 200
const SUBACK = 9

export interface Lines {
  /** When each of those told so far was, by the clock of `performance.now()`, in order. */
  readonly toldAtMs: readonly number[]
  /** Resolves once all are told. */
  readonly allTold: Promise<void>
  close(): void
}

/** Devices 0 to `count`, minus one, connect and listen. */
export async function openLines(mqtt: URL, count: number): Promise<Lines> {
  const sockets: Socket[] = []
  const toldAtMs: number[] = []
  let done = () => {}
  const allTold = new Promise<void>((resolve) => {
    done = resolve
  })
  const told = () => {
    toldAtMs.push(performance.now())
    if (toldAtMs.length === count) done()
  }
  for (let next = 0; next < count; next += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - next) }, (_, index) =>
      openLine(mqtt, tokenOf(next + index), told),
    )
    sockets.push(...(await Promise.all(some)))
  }
  return {
    toldAtMs,
    allTold,
    close: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function openLine({ hostname, port }: URL, token: string, told: () => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) })
    socket.once('error', reject)
    let isListening = false
    let text = ''
    const listen = (bytes: Buffer) => {
      if (!isListening) {
        // The welcome, then the answer to the subscription; they may come together.
        isListening = (bytes[0] ?? 0) >> 4 === SUBACK || (bytes[4] ?? 0) >> 4 === SUBACK
        if (isListening) resolve(socket)
        return
      }
      text += bytes.toString('latin1')
      if (!text.includes('"fw_version":"2.0.0"')) return
      socket.off('data', listen)
      socket.resume()
      told()
    }
    socket.on('data', listen)
    const subscriptions = [{ topic: 'v1/devices/me/attributes', qos: 0 as const }]
    socket.write(
      Buffer.concat([
        generate({
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: 4,
          clean: true,
          clientId: '',
          username: token,
          keepalive: 0,
        }),
        generate({ cmd: 'subscribe', messageId: 1, subscriptions }),
      ]),
    )
  })
}
