/** `npm start -- --demo`, from the point on where dependencies and dashboard are there. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@updraft/api/client'
import type { Device } from '@updraft/api/shapes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '../tools/test-database.ts'

const DEMO = fileURLToPath(new URL('../tools/demo.ts', import.meta.url))
const DEVICES = 60
const PATIENCE_MS = 50_000

let database: Awaited<ReturnType<typeof testDatabase>>
let folder: string
const started: ChildProcess[] = []
beforeAll(async () => {
  database = await testDatabase()
  folder = await mkdtemp(join(tmpdir(), 'updraft-demo-'))
})
afterAll(async () => {
  for (const demo of started) if (demo.exitCode === null) demo.kill('SIGKILL')
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

/** Resolves once the sign-in is printed. */
async function start() {
  const ports = ['http', 'mqtt', 'coap'].flatMap((door) => [`--${door}-port`, '0'])
  const demo = spawn(process.execPath, [DEMO, '--data', folder, ...ports], {
    env: { PATH: process.env.PATH ?? '', UPDRAFT_DATABASE_URL: database.connectionString },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(demo)
  let printed = ''
  const [url, token] = await new Promise<string[]>((resolve, reject) => {
    const read = (piece: Buffer) => {
      printed += piece
      const found = /demo is at\s+(\S+)[\s\S]*API token\s+(\S+)/.exec(printed)
      if (found) resolve(found.slice(1))
    }
    demo.stdout.on('data', read)
    demo.stderr.on('data', read)
    demo.once('exit', (code) => reject(new Error(`The demo ended with ${code}:\n${printed}`)))
  })
  const api = createClient({ url: url ?? '', token })
  return {
    token,
    /** The fleet once it is so. */
    until: async (isSo: (devices: readonly Device[]) => boolean): Promise<void> => {
      const deadline = performance.now() + PATIENCE_MS
      for (;;) {
        const { items } = await api('listDevices', { query: { limit: 500 } })
        if (isSo(items)) return
        if (performance.now() > deadline) throw new Error(`It did not become so:\n${printed}`)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    },
    stop: async (): Promise<number | null> => {
      demo.kill('SIGINT')
      if (demo.exitCode === null) await once(demo, 'exit')
      return demo.exitCode
    },
  }
}

test('the demo is a fleet in two languages that is being updated, and goes on at the next start', async () => {
  const first = await start()
  await first.until(
    (devices) =>
      devices.length === DEVICES &&
      ['updraft', 'thingsboard'].every((language) =>
        devices.some(({ dialect, operation }) => {
          return dialect === language && operation && operation.state !== 'QUEUED'
        }),
      ),
  )
  expect(await first.stop()).toBe(0)
  const stoppedAt = new Date().toISOString()
  const second = await start()
  expect(second.token).toBe(first.token)
  await second.until(
    (devices) =>
      devices.length === DEVICES &&
      devices.some(({ lastSeenAt }) => (lastSeenAt ?? '') > stoppedAt),
  )
  expect(await second.stop()).toBe(0)
}, 120_000)
