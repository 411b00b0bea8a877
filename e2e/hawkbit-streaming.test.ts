/** RAUC reads a bundle that it streams in hundreds of ranges within a minute. */
import { createHash, randomBytes } from 'node:crypto'
import pg from 'pg'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { raucUpdater } from './hawkbit-clients.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const PIECES = 600
const PIECE_BYTES = 1000

let platform: TestPlatform
const lines: string[] = []
beforeAll(async () => {
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) })
  platform = await testPlatform({}, { log })
})
afterEach(() => vi.restoreAllMocks())
afterAll(() => platform.stop())

/** What each table holds. */
async function rows(): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: platform.connectionString })
  await client.connect()
  const { rows: tables } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public'`,
  )
  const counts: Record<string, number> = {}
  for (const { name } of tables) {
    const counted = await client.query<{ count: number }>(
      `select count(*)::int as count from "${name}"`,
    )
    counts[name] = counted.rows[0]?.count ?? 0
  }
  await client.end()
  return counts
}

test('no range makes a row or a line, and few ask the database who it is', async () => {
  await platform.addProfile('streams')
  const token = await platform.addDevice('streams-1', 'streams')
  const bytes = new Uint8Array(randomBytes(PIECES * PIECE_BYTES))
  const releaseId = await platform.addRelease({
    title: 'bundle',
    version: '1.0',
    profile: 'streams',
    bytes,
    fileName: 'bundle.raucb',
  })
  await platform.assign(releaseId, { device: 'streams-1' })
  const asked = vi.spyOn(pg.Client.prototype, 'query')
  let at: { rows: Record<string, number>; lines: number; asked: number } | undefined
  let got: Uint8Array = new Uint8Array()
  const look = async () => {
    const counted = { lines: lines.length, asked: asked.mock.calls.length }
    return { ...counted, rows: await rows() }
  }
  const updater = raucUpdater(
    {
      url: platform.url,
      controllerId: 'streams-1',
      authorization: `TargetToken ${token}`,
    },
    {
      isStreaming: true,
      pieceBytes: PIECE_BYTES,
      install: async (bundle) => {
        got = bundle
        at = await look()
        return true
      },
    },
  )
  const before = await look()
  expect(await updater.once()).toBe('installed')
  const ranges = updater.requests.filter(({ status }) => status === 206)
  expect(ranges).toHaveLength(PIECES)
  expect(createHash('sha256').update(got).digest('hex')).toBe(
    createHash('sha256').update(bytes).digest('hex'),
  )
  // The attributes, the action, the three words before: nothing that grows with the ranges.
  const added = Object.entries(at?.rows ?? {}).map(
    ([name, count]) => count - (before.rows[name] ?? 0),
  )
  expect(Math.max(...added)).toBeLessThan(20)
  expect((at?.lines ?? PIECES) - before.lines).toBeLessThan(20)
  expect((at?.asked ?? PIECES) - before.asked).toBeLessThan(PIECES / 2)
})
