/** Sessions that are kept, and messages that arrive once, with mosquitto's clients. */
import { spawn } from 'node:child_process'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import {
  listening,
  type Seen,
  stopListening,
  texts,
} from '@updraft/server/transports/mqtt-listening.test-helper'
import { afterEach, describe, expect, test } from 'vitest'
import { hasCommand } from '../tools/services.mjs'

const COUNT = 30
const all = Array.from({ length: COUNT }, (_, each) => `message ${each}`)

/** A line to the listener that can be cut: what is on it is lost, in both directions. */
async function line(seen: Seen) {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect({ port: seen.port, host: '127.0.0.1' })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  ends.push(() => {
    server.close()
    cut()
  })
  return { port: (server.address() as AddressInfo).port, cut }
}

/** One of mosquitto's programs, with the session `d`. */
function run({ port }: { port: number }, program: string, ...words: string[]) {
  const at = ['-h', '127.0.0.1', '-p', String(port), '-u', 'kept', '-i', 'd']
  const child = spawn(program, [...at, ...words], { stdio: ['pipe', 'pipe', 'ignore'] })
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  ends.push(() => child.kill('SIGKILL'))
  return { child, lines, ended }
}

const ends: (() => void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) end()
  await stopListening()
})

const subscribed = (seen: Seen, times: number) =>
  expect.poll(() => seen.subscriptions.length).toBe(times)

describe.skipIf(!hasCommand('mosquitto_sub'))('mosquitto', () => {
  test.each(['mqttv31', 'mqttv311', 'mqttv5'] as const)(
    'gets each message once over %s, over a line that is cut',
    async (version) => {
      const seen = await listening()
      const { port, cut } = await line(seen)
      const kept = version === 'mqttv5' ? ['-x', '3600'] : []
      const words = ['-c', '-V', version, ...kept, '-q', '2', '-t', 'a/#']
      const { lines } = run({ port }, 'mosquitto_sub', ...words)
      await subscribed(seen, 1)
      // One cut only: mosquitto counts what it gets again as if it had both, and gives up at twenty.
      const some = all.slice(0, 10)
      for (const text of some) {
        expect(await seen.sessions.at(-1)?.publish('a/b', text, 2)).toBe('sent')
      }
      cut()
      // It comes back by itself.
      await expect.poll(() => seen.opened.length).toBe(2)
      await expect.poll(() => lines.length).toBeGreaterThanOrEqual(some.length)
      expect(lines).toEqual(some)
      expect(seen.opened).toEqual([null, [['a/#', 2]]])
    },
  )

  test('that begins anew finds nothing of what was', async () => {
    const seen = await listening()
    const first = run(seen, 'mosquitto_sub', '-c', '-q', '2', '-t', 'a')
    await subscribed(seen, 1)
    first.child.kill('SIGKILL')
    await expect.poll(() => seen.closed).toHaveLength(1)
    const second = run(seen, 'mosquitto_sub', '-q', '2', '-t', 'a')
    await subscribed(seen, 2)
    second.child.kill('SIGKILL')
    await expect.poll(() => seen.closed).toHaveLength(2)
    run(seen, 'mosquitto_sub', '-c', '-q', '2', '-t', 'a')
    await subscribed(seen, 3)
    expect(seen.opened).toEqual([null, null, null])
  })

  test('that was taken over by another is there no more, and the other has all', async () => {
    const seen = await listening()
    const first = run(seen, 'mosquitto_sub', '-c', '-q', '2', '-t', 'a')
    await subscribed(seen, 1)
    first.child.kill('SIGSTOP')
    await seen.sessions.at(-1)?.publish('a', 'once', 2)
    const second = run(seen, 'mosquitto_sub', '-c', '-q', '2', '-t', 'b')
    await subscribed(seen, 2)
    await expect.poll(() => second.lines).toEqual(['once'])
    expect(seen.opened.at(-1)).toEqual([['a', 2]])
    first.child.kill('SIGKILL')
  })

  test.each(['mqttv311', 'mqttv5'] as const)(
    'is heard once over %s, cut before it knows',
    async (version) => {
      const seen = await listening()
      const { port, cut } = await line(seen)
      let cuts = 0
      seen.onMessage = async () => {
        if (seen.messages.length % 10 === 5 && cuts < 3) {
          cuts += 1
          cut()
        }
        return {}
      }
      const kept = version === 'mqttv5' ? ['-x', '3600'] : []
      const words = ['-c', '-V', version, ...kept, '-q', '2', '-t', 'a', '-l']
      const { child, ended } = run({ port }, 'mosquitto_pub', ...words)
      child.stdin.end(all.map((text) => `${text}\n`).join(''))
      expect(await ended).toBe(0)
      expect(texts(seen.messages).sort()).toEqual([...all].sort())
      expect(cuts).toBe(3)
    },
  )
})
