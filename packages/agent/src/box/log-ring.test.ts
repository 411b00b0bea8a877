import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../memory-disk.ts'
import { randomFrom } from '../waits.ts'
import { LogRing, type LogTime, type RingLimits } from './log-ring.ts'

const AT = Date.parse('2026-11-21T12:00:00Z')
const time = (over: Partial<LogTime> = {}): LogTime => ({
  bootId: 'one',
  wallMs: () => AT,
  upSeconds: () => 100,
  ...over,
})
const SMALL: RingLimits = { segmentBytes: 1_000, segments: 3 }

async function ring(memory: MemoryDisk, over: { time?: LogTime; limits?: RingLimits } = {}) {
  const made = new LogRing({ disk: memory.disk, folder: '/log', time: time(), ...over })
  await made.load()
  return made
}
const messages = (lines: readonly { message: string }[]) => lines.map(({ message }) => message)
const safe = () => new MemoryDisk(() => {})

test('lines outlive the program, with their numbers', async () => {
  const memory = safe()
  const first = await ring(memory)
  first.append('info', 'one')
  first.append('error', 'two')
  await first.flush()
  const second = await ring(memory)
  second.append('info', 'three')
  expect(second.since(0).map(({ sequence, level, message }) => [sequence, level, message])).toEqual(
    [
      [1, 'info', 'one'],
      [2, 'error', 'two'],
      [3, 'info', 'three'],
    ],
  )
  expect(messages(second.since(2))).toEqual(['three'])
})

test('what was said before it was loaded comes after what was there', async () => {
  const memory = safe()
  const first = await ring(memory)
  first.append('info', 'one')
  await first.flush()
  const second = new LogRing({ disk: memory.disk, folder: '/log', time: time() })
  second.append('info', 'early')
  await second.load()
  await second.flush()
  expect(messages((await ring(memory)).since(0))).toEqual(['one', 'early'])
})

test('it grows no further than its files: the oldest lines go', async () => {
  const memory = safe()
  const own = await ring(memory, { limits: SMALL })
  for (let n = 1; n <= 100; n += 1) {
    own.append('info', `line ${n}`)
    await own.flush()
  }
  expect((await memory.disk.readdir('/log')).length).toBe(3)
  const kept = (await ring(memory, { limits: SMALL })).since(0)
  expect(kept.at(-1)).toMatchObject({ sequence: 100, message: 'line 100' })
  expect(kept.length).toBeLessThan(40)
  expect(own.since(0)).toEqual(kept)
})

describe('the server', () => {
  test('is told each line once, when it is on the medium', async () => {
    const memory = safe()
    const own = await ring(memory)
    own.append('info', 'one')
    expect(own.untold(10)).toEqual([])
    await own.flush()
    expect(messages(own.untold(10))).toEqual(['one'])
    await own.acknowledge(1)
    own.append('info', 'two')
    await own.flush()
    expect(messages((await ring(memory)).untold(10))).toEqual(['two'])
  })

  test('that knows later lines makes this box number its own anew', async () => {
    const own = await ring(safe())
    own.append('info', 'of a new disk')
    await own.flush()
    await own.acknowledge(500)
    expect(own.untold(10)).toMatchObject([{ sequence: 501, message: 'of a new disk' }])
  })
})

test('a clock that began in 1970 is mended once the date is known, for lines of this start', async () => {
  let wall = 5_000
  let up = 10
  const own = await ring(safe(), { time: time({ wallMs: () => wall, upSeconds: () => up }) })
  own.append('info', 'early')
  expect(own.since(0)[0]?.at).toMatch(/^1970/)
  wall = AT
  up = 70
  expect(own.since(0)[0]?.at).toBe('2026-11-21T11:59:00.000Z')
})

test('a disk that is full keeps nobody from logging', async () => {
  let isFull = false
  const memory = new MemoryDisk(() => {
    if (isFull) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
  })
  const own = await ring(memory)
  own.append('info', 'one')
  await own.flush()
  isFull = true
  own.append('info', 'two')
  await own.flush()
  isFull = false
  own.append('info', 'three')
  await own.flush()
  expect(messages(own.since(0))).toEqual(['one', 'two', 'three'])
  expect(messages((await ring(memory)).since(0))).toEqual(['one', 'three'])
})

test('the power may go at each step: what was flushed is there, and whatever is read was written', async () => {
  for (let cut = 1; cut < 60; cut += 1) {
    const random = randomFrom(cut)
    let steps = 0
    let isOff = false
    const memory = new MemoryDisk(() => {
      if (isOff) throw new Error('no power')
      steps += 1
      if (steps === cut) {
        isOff = true
        throw new Error('no power')
      }
    })
    const said: string[] = []
    let flushed = 0
    try {
      const own = await ring(memory, { limits: SMALL })
      for (let n = 1; n <= 12 && !isOff; n += 1) {
        said.push(`line ${n} ${'x'.repeat(60)}`)
        own.append('info', said.at(-1) ?? '')
        await own.flush()
        if (!isOff) flushed = n
      }
    } catch {
      // The power went while it was being loaded.
    }
    isOff = true
    memory.cutPower(random)
    isOff = false
    steps = Number.MAX_SAFE_INTEGER - 1_000
    const later = await ring(memory, { limits: SMALL })
    const read = messages(later.since(0))
    expect(said.join('\n'), `cut ${cut}`).toContain(read.join('\n'))
    if (flushed > 0 && flushed < 12) expect(read, `cut ${cut}`).toContain(said[flushed - 1])
    // And it goes on, behind no torn tail.
    later.append('info', 'after')
    await later.flush()
    expect(messages((await ring(memory, { limits: SMALL })).since(0)).at(-1)).toBe('after')
  }
})
