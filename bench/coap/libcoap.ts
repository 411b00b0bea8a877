// The measure of the CoAP benchmark: libcoap's own server as Debian ships it, holding files that were put there.

import { type ChildProcess, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { ensureServices, hasCommand } from '../../tools/services.mjs'
import { start } from '../parts/children.ts'

const [SERVER, CLIENT] = ['coap-server-notls', 'coap-client-notls']

/** Whether it is here; installed if we may. */
export async function hasLibcoap(): Promise<boolean> {
  if (!hasCommand(SERVER)) await ensureServices()
  return hasCommand(SERVER)
}

/** The server with those files at the paths `0`, `1` and so on. */
export async function startLibcoap(
  files: readonly string[],
): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort()
  const child = start(SERVER, ['-A', '127.0.0.1', '-p', String(port), '-d', '10', '-v', '0'])
  await untilItAnswers(port, child)
  for (const [index, file] of files.entries()) {
    const address = `coap://127.0.0.1:${port}/${index}`
    const { status } = spawnSync(CLIENT, ['-m', 'put', '-b', '1024', '-f', file, address])
    if (status !== 0) throw new Error(`${CLIENT} could not put ${file}.`)
  }
  return { child, port }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

/** A ping is answered by a reset (RFC 7252, section 4.3). */
async function untilItAnswers(port: number, child: ChildProcess): Promise<void> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  socket.on('error', () => {})
  const answered = once(socket, 'message')
  const ping = setInterval(() => {
    if (child.exitCode !== null) socket.emit('message')
    socket.send(Buffer.from([0x40, 0, 0, 1]), port, '127.0.0.1')
  }, 20)
  await answered
  clearInterval(ping)
  socket.close()
  if (child.exitCode !== null) throw new Error(`${SERVER} ended with ${child.exitCode}.`)
}
