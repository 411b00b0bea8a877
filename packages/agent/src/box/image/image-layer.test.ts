import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { someBytes } from '../../fake-server.test-helper.ts'
import { diskFull, TAKES_ROOM } from '../../memory-disk.ts'
import type { LayerProgress } from '../layer.ts'
import { CONFIGURATION, image, Machine, SLOT_BYTES, spoilt } from './machine.test-helper.ts'

const NEW = image('1.1.0')
const NEWER = image('1.2.0')

const ended = async (machine: Machine) => {
  await machine.settle()
  const running = await machine.running()
  return { ...machine.ended.at(-1), runs: running?.version }
}

describe('an image that is well', () => {
  test('is written to the other slot, started once on trial, kept, and reported', async () => {
    const machine = await Machine.made()
    machine.assign(NEW)
    expect(await ended(machine)).toEqual({ state: 'UPDATED', error: null, runs: '1.1.0' })
    expect(machine.starts).toEqual(new Map([['1.1.0', 1]]))
    expect(machine.layer.installed()).toEqual({ title: 'box', version: '1.1.0' })
    expect(machine.configuration()).toBe(CONFIGURATION)
    const { active, previous, trial, history, details } = machine.layer.status()
    expect([active?.version, previous?.version, trial]).toEqual(['1.1.0', '1.0.0', null])
    expect(history).toMatchObject([{ kind: 'updated', release: { version: '1.1.0' } }])
    expect(details).toMatchObject({ running: 'b', isTrial: false })
  })

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('comes packed by %s as well', async (_, pack) => {
    const machine = await Machine.made()
    machine.assign({ ...NEW, file: pack(NEW.bytes) })
    expect(await ended(machine)).toMatchObject({ state: 'UPDATED', runs: '1.1.0' })
  })

  test('goes to and fro between the two slots', async () => {
    const machine = await Machine.made()
    for (const next of [NEW, NEWER, image('1.3.0')]) {
      machine.assign(next)
      expect(await ended(machine)).toMatchObject({ state: 'UPDATED', runs: next.version })
    }
    expect((await machine.simulator.active()).running).toBe('b')
  })

  test('tells how far it is, and that the plug may be pulled', async () => {
    const heard: LayerProgress[] = []
    const machine = await Machine.made({ layer: { onProgress: (at) => heard.push(at) } })
    machine.assign(NEW)
    await machine.settle()
    const phases = [...new Set(heard.map(({ phase }) => phase))]
    expect(phases).toEqual(['checking', 'writing', 'verifying', 'switching', 'restarting', 'trial'])
    expect(heard.every(({ isSafeToUnplug }) => isSafeToUnplug)).toBe(true)
    const writing = heard.filter(({ phase, bytes }) => phase === 'writing' && bytes !== null)
    expect(writing.at(-1)).toMatchObject({
      bytes: NEW.bytes.length,
      totalBytes: NEW.bytes.length,
    })
  })
})

describe('an image that does not hold', () => {
  test.each([
    ['never comes up', { comesUp: false }, /slot b did not come up, or the power went before/],
    ['comes up and is ill', { isWell: false }, /the health check failed: well: it is ill/],
  ])(
    '%s: exactly three starts, the old one runs, and a newer one is taken',
    async (_, about, why) => {
      const machine = await Machine.made({ operations: 6 })
      machine.assign(image('1.1.0', about))
      expect(await ended(machine)).toMatchObject({ state: 'FAILED', runs: '1.0.0' })
      expect(machine.starts.get('1.1.0')).toBe(3)
      expect(machine.ended).toHaveLength(6)
      expect(machine.ended[0]?.error).toMatch(why)
      expect(machine.ended[2]?.error).toMatch(why)
      expect(machine.ended[3]?.error).toMatch(/was started 3 times and did not hold/)
      expect(machine.layer.status().history.slice(0, 3)).toMatchObject([
        { kind: 'rolled-back', because: expect.stringMatching(why) },
        { kind: 'rolled-back', because: expect.stringMatching(why) },
        { kind: 'rolled-back', because: expect.stringMatching(why) },
      ])
      machine.assign(NEWER)
      expect(await ended(machine)).toMatchObject({ state: 'UPDATED', runs: '1.2.0' })
    },
  )

  test('it is not written a second time while it still lies whole in its slot', async () => {
    const machine = await Machine.made({ operations: 2 })
    const written: string[] = []
    machine.onStep = (what, path) => {
      if (what === 'write' && path.endsWith('slot-b.img')) written.push(what)
    }
    machine.assign(image('1.1.0', { comesUp: false }))
    await machine.settle()
    expect(machine.starts.get('1.1.0')).toBe(2)
    // 40 KB in one piece of the file.
    expect(written).toHaveLength(1)
  })

  test('somebody wants it once more, and gets it once more', async () => {
    const machine = await Machine.made({ operations: 3 })
    machine.assign(image('1.1.0', { isWell: false }))
    await machine.settle()
    machine.assign(NEW)
    await machine.layer.forgive()
    expect(await ended(machine)).toMatchObject({ state: 'UPDATED', runs: '1.1.0' })
  })

  test('within a quarter of an hour it is not tried again by itself', async () => {
    const machine = await Machine.made()
    machine.assign(image('1.1.0', { isWell: false }))
    await machine.settle()
    machine.assign(image('1.1.0', { isWell: false }))
    expect(await ended(machine)).toMatchObject({
      state: 'FAILED',
      error: expect.stringMatching(/is tried again in 15 min/),
    })
    expect(machine.starts.get('1.1.0')).toBe(1)
  })

  test('another image than the one that was meant is left again', async () => {
    const machine = await Machine.made()
    const wrong = image('1.1.0', { bytes: Buffer.from(`box@9.9.9\n${'x'.repeat(30_000)}`) })
    machine.assign(wrong)
    expect(await ended(machine)).toMatchObject({
      state: 'FAILED',
      error: expect.stringMatching(/what came up calls itself box@9.9.9, and not box@1.1.0/),
      runs: '1.0.0',
    })
  })

  test('the program that dies again and again during a trial ends it', async () => {
    const machine = await Machine.made()
    machine.assign(NEW)
    expect(await machine.live()).toBe('restart')
    await machine.boot()
    machine.onStep = (what) => {
      if (what === 'health check') machine.stepsLeft = 1
    }
    for (let life = 1; life <= 5; life++) {
      expect(await machine.live()).toBe('cut off')
      await machine.comeBack('killed')
    }
    machine.onStep = () => {}
    expect(await ended(machine)).toMatchObject({
      state: 'FAILED',
      error: expect.stringMatching(/was started 6 times during the trial/),
      runs: '1.0.0',
    })
  })
})

describe('a file that no system can be made of', () => {
  const xz = Buffer.concat([Buffer.from('fd377a585a00', 'hex'), someBytes(1000)])
  const packed = gzipSync(NEW.bytes)
  test.each([
    ['packed by xz', xz, /packed by xz, which cannot be unpacked here: send the image as it is/],
    ['a zip', Buffer.from('504b030414000000', 'hex'), /zip archive/],
    [
      'for SWUpdate',
      Buffer.from(`070702${'0'.repeat(104)}`),
      /a file for SWUpdate, and there is none/,
    ],
    [
      'gzip that ends too early',
      packed.subarray(0, 20_000),
      /cannot be unpacked: unexpected end of file/,
    ],
    [
      'zstd that ends too early',
      zstdCompressSync(NEW.bytes).subarray(0, 20_000),
      /cannot be unpacked/,
    ],
    ['gzip with a wrong bit', flipped(packed, 20_000), /cannot be unpacked: (incorrect|invalid)/],
    ['larger than the slot', someBytes(SLOT_BYTES + 1), /slot is too small: it has 0.1 MiB/],
    ['larger once it is unpacked', gzipSync(Buffer.alloc(SLOT_BYTES + 1)), /slot is too small/],
    ['larger, by zstd', zstdCompressSync(Buffer.alloc(SLOT_BYTES * 4)), /slot is too small/],
  ])('%s', async (_, file, why) => {
    const machine = await Machine.made()
    machine.assign({ ...NEW, file })
    expect(await ended(machine)).toMatchObject({
      state: 'FAILED',
      error: expect.stringMatching(why),
      runs: '1.0.0',
    })
    expect(machine.starts.size).toBe(0)
    expect(machine.layer.status().history).toMatchObject([{ kind: 'failed' }])
    // What was half written is nothing to start, and the next one is as good as ever.
    machine.assign(NEWER)
    expect(await ended(machine)).toMatchObject({ state: 'UPDATED', runs: '1.2.0' })
  })

  test('a slot that reads otherwise than it was written is not started', async () => {
    const machine = await Machine.made({
      boot: (simulator) => ({
        ...simulator,
        place: {
          ...simulator.place,
          open: async (slot) => spoilt(await simulator.place.open(slot), 33_333),
        },
      }),
    })
    machine.assign(NEW)
    expect(await ended(machine)).toMatchObject({
      state: 'FAILED',
      error: expect.stringMatching(/slot b reads otherwise than it was written: SHA-256/),
      runs: '1.0.0',
    })
    expect(machine.starts.size).toBe(0)
  })
})

test('the disk is full at any step: the old one runs, and with room again the new one comes', {
  timeout: 120_000,
}, async () => {
  let tried = 0
  for (let from = 1; ; from++) {
    const machine = await Machine.made({ operations: 5 })
    machine.assign(NEW)
    let step = 0
    let wasFull = false
    machine.onStep = (what) => {
      if (!(TAKES_ROOM as readonly string[]).includes(what)) return
      step += 1
      // For some writes only: somebody makes room again.
      if (step < from || step > from + 12) return
      wasFull = true
      throw diskFull()
    }
    for (let life = 1; life <= 30; life++) {
      // A program that cannot even note where it is ends, and is started again.
      const end = await machine.live().catch(() => 'restart by hand')
      if (end === 'restart') await machine.boot()
      else if (end === 'idle' && machine.ended.length > 0 && !machine.openNext()) break
    }
    if (!wasFull) break
    tried += 1
    const runs = await machine.running()
    expect([from, runs?.version, machine.ended.at(-1)?.state]).toEqual([from, '1.1.0', 'UPDATED'])
    expect(machine.configuration()).toBe(CONFIGURATION)
  }
  console.log(`${tried} steps at which the disk was full`)
  expect(tried).toBeGreaterThan(20)
})

test('a clock in 1970, and one that jumps to the truth during the trial', async () => {
  const machine = await Machine.made({ operations: 4 })
  machine.wallMs = 0
  machine.assign(image('1.1.0', { isWell: false }))
  expect(await machine.live()).toBe('restart')
  await machine.boot()
  machine.wallMs = Date.parse('2026-11-21T12:00Z')
  expect(await ended(machine)).toMatchObject({ state: 'FAILED', runs: '1.0.0' })
  expect(machine.starts.get('1.1.0')).toBe(3)
  machine.wallMs = 0
  machine.assign(NEWER)
  expect(await ended(machine)).toMatchObject({ state: 'UPDATED', runs: '1.2.0' })
})

describe('going back on a wish', () => {
  test('to the system before, on trial as any other', async () => {
    const machine = await Machine.made()
    machine.assign(NEW)
    await machine.settle()
    const { signal } = new AbortController()
    const result = await machine.layer.rollBack(signal)
    expect(Object.values(result)).toEqual(['rolled-back', null, 'restart'])
    await machine.boot()
    await machine.settle()
    expect((await machine.running())?.version).toBe('1.0.0')
    expect(machine.layer.installed()?.version).toBe('1.0.0')
    expect(machine.layer.status().history[0]).toMatchObject({ kind: 'rolled-back', because: null })
    expect(machine.layer.status().previous?.version).toBe('1.1.0')
  })

  test('fails in words where there is none', async () => {
    const machine = await Machine.made()
    await machine.settle()
    const { signal } = new AbortController()
    expect(await machine.layer.rollBack(signal)).toEqual({
      kind: 'failed',
      because: 'there is no whole system in slot b to go back to',
    })
  })
})

test('it can be cancelled until the boot loader was asked', async () => {
  const machine = await Machine.made()
  machine.assign(NEW)
  let answer: boolean | null = null
  machine.onStep = (what, path) => {
    if (what === 'write' && path.endsWith('slot-b.img')) answer ??= machine.layer.cancel()
  }
  expect(await ended(machine)).toMatchObject({
    state: 'FAILED',
    error: 'it was cancelled',
    runs: '1.0.0',
  })
  expect(answer).toBe(true)
  const late = await Machine.made()
  late.assign(NEW)
  late.onStep = (what) => {
    if (what === 'setTrial of the boot loader') answer = late.layer.cancel()
  }
  expect(await ended(late)).toMatchObject({ state: 'UPDATED', runs: '1.1.0' })
  expect(answer).toBe(false)
})

describe('the boot loader is right', () => {
  test('a box that was flashed by hand tells the truth', async () => {
    const machine = await Machine.made()
    machine.assign(NEW)
    await machine.settle()
    const slot = await machine.simulator.place.open('b')
    await slot.write(NEWER.bytes, 0)
    await slot.close()
    machine.images.set('1.2.0', NEWER)
    await machine.boot()
    await machine.settle()
    expect(machine.layer.installed()).toEqual({ title: 'box', version: '1.2.0' })
  })

  test('a trial that nobody remembers is looked at, and kept or left', async () => {
    for (const [about, version] of [
      [{}, '1.1.0'],
      [{ isWell: false }, '1.0.0'],
    ] as const) {
      const machine = await Machine.made()
      machine.assign(image('1.1.0', about))
      await machine.live()
      await machine.boot()
      for (const file of ['notes-0.json', 'notes-1.json']) {
        await machine.memory.disk.rm(`/data/image/${file}`)
      }
      await machine.settle()
      expect((await machine.running())?.version).toBe(version)
      expect(await machine.simulator.active()).toMatchObject({ isTrial: false, armed: null })
    }
  })

  test('a start that nobody here asked for is taken back', async () => {
    const machine = await Machine.made()
    await machine.settle()
    await machine.simulator.setTrial('b', 1)
    await machine.settle()
    expect(await machine.simulator.active()).toMatchObject({ running: 'a', armed: null })
  })
})

describe('where an image cannot be installed', () => {
  test('a machine without slots says why and what instead', async () => {
    const because = 'this machine has no two slots'
    const instead = 'write it by another machine'
    const machine = await Machine.made({ layer: { boot: { because, instead } } })
    machine.assign(NEW)
    expect(await ended(machine)).toMatchObject({
      state: 'FAILED',
      error: `${because}; ${instead}`,
      runs: '1.0.0',
    })
    expect(machine.layer.status().refusal).toEqual({ because, instead })
  })

  test('nor where nothing would lead back, unless it is insisted on', async () => {
    const helpless = (simulator: Machine['simulator']) => ({ ...simulator, fallsBack: false })
    const machine = await Machine.made({ boot: helpless })
    machine.assign(NEW)
    expect(await ended(machine)).toMatchObject({
      state: 'FAILED',
      error: expect.stringMatching(/cannot go back by itself/),
    })
    const forced = await Machine.made({ boot: helpless, layer: { isForced: true } })
    forced.assign(NEW)
    expect(await ended(forced)).toMatchObject({ state: 'UPDATED', runs: '1.1.0' })
  })

  test('nor where the data folder would be lost with the slot, unless it is carried over', async () => {
    const inSlot = (simulator: Machine['simulator']) => ({ ...simulator, keeps: async () => false })
    const machine = await Machine.made({ boot: inSlot })
    machine.assign(NEW)
    expect(await ended(machine)).toMatchObject({
      state: 'FAILED',
      error: expect.stringMatching(/the data folder \/data lies in the slot that runs/),
    })
    const carrying = await Machine.made({
      boot: inSlot,
      layer: { carryOver: ['/data/config.json', '/data'] },
    })
    carrying.assign(NEW)
    expect(await ended(carrying)).toMatchObject({ state: 'UPDATED', runs: '1.1.0' })
    const copy = `${carrying.simulator.carriedTo('b')}/data/config.json`
    expect(carrying.memory.text(copy)).toBe(CONFIGURATION)
  })
})

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 0x10
  return copy
}
