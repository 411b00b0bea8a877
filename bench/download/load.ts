// The load of the download benchmark, in a process of its own: plain sockets with keep-alive, which read the
// answer's head, compare the bytes with the file and count.

import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { settingsOf } from '../parts/children.ts'

export interface LoadSettings {
  readonly url: string
  /** What the bytes must be. */
  readonly file: string
  readonly connections: number
  /** Asked for in ranges of this size at random places; whole files when not given. */
  readonly rangeBytes?: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface Load {
  readonly bytes: number
  readonly answers: number
  readonly seconds: number
}

const { url, file, connections, rangeBytes, warmUpSeconds, seconds } = settingsOf<LoadSettings>()
const { hostname, port, pathname } = new URL(url)
const content = readFileSync(file)
let bytes = 0
let answers = 0

/** Whole files are compared once on each connection: comparing all of them would measure the comparison. */
function download(): void {
  const request = `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n`
  let head = ''
  let at = 0
  let end = 0
  let answersHere = 0
  let isInBody = false

  const socket = connect({
    host: hostname,
    port: Number(port),
    noDelay: true,
    onread: { buffer: Buffer.allocUnsafe(1024 * 1024), callback: take },
  })
  socket.on('connect', ask)
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('The server closed a connection.')))

  function ask(): void {
    head = ''
    isInBody = false
    if (rangeBytes === undefined) {
      at = 0
      end = content.length
      socket.write(`${request}\r\n`)
      return
    }
    at = Math.floor(Math.random() * (content.length / rangeBytes)) * rangeBytes
    end = Math.min(at + rangeBytes, content.length)
    socket.write(`${request}Range: bytes=${at}-${end - 1}\r\n\r\n`)
  }

  function take(count: number, buffer: Uint8Array): boolean {
    let start = 0
    if (!isInBody) {
      const text = head + Buffer.from(buffer.buffer, 0, Math.min(count, 2048)).toString('latin1')
      const headLength = text.indexOf('\r\n\r\n') + 4
      if (headLength < 4) {
        head = text
        return true
      }
      checkHead(text.slice(0, headLength), end - at)
      start = headLength - head.length
      isInBody = true
    }
    const got = count - start
    if (rangeBytes !== undefined || answersHere === 0) {
      if (content.compare(buffer, start, count, at, at + got) !== 0) {
        fail(new Error(`Other bytes than the file's came between ${at} and ${at + got}.`))
      }
    }
    at += got
    bytes += got
    if (at === end) {
      answers += 1
      answersHere += 1
      ask()
    }
    return true
  }
}

function checkHead(head: string, length: number): void {
  const status = rangeBytes === undefined ? 200 : 206
  const isRight =
    head.startsWith(`HTTP/1.1 ${status} `) &&
    head.toLowerCase().includes(`content-length: ${length}\r`)
  if (!isRight) fail(new Error(`Not the answer that was expected:\n${head}`))
}

function fail(error: Error): never {
  console.error(error)
  process.exit(1)
}

for (let started = 0; started < connections; started++) download()
setTimeout(() => {
  const before = { bytes, answers, atMs: performance.now() }
  setTimeout(() => {
    const load: Load = {
      bytes: bytes - before.bytes,
      answers: answers - before.answers,
      seconds: (performance.now() - before.atMs) / 1000,
    }
    process.stdout.write(`${JSON.stringify(load)}\n`, () => process.exit())
  }, seconds * 1000)
}, warmUpSeconds * 1000)
