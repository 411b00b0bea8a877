import { expect, test } from 'vitest'
import { MemoryDisk } from '../memory-disk.ts'
import { Busy, Jobs, WENT_ON } from './jobs.ts'
import type { JobResult, LayerResult, LayerStatus } from './layer.ts'

const UPDATED: JobResult = { kind: 'updated', because: null }
const LOAD = { kind: 'load-handlers', layer: 'handlers', by: 'page' } as const
const CODE = { kind: 'update-code', layer: 'code', by: 'page' } as const
const RESTART = { kind: 'restart', layer: null, by: 'page' } as const
const OFFER = { type: 'handlers', title: 'handlers', version: '2' }

async function bench(memory = new MemoryDisk(() => {})) {
  await memory.disk.mkdir('/box', { recursive: true })
  const history: LayerResult[] = []
  const jobs = new Jobs({
    disk: memory.disk,
    folder: '/box',
    now: () => new Date('2026-11-21T12:00:00Z'),
    statusOf: () => ({ history }) as unknown as LayerStatus,
  })
  const cutOff = await jobs.load()
  return { memory, jobs, history, cutOff }
}

test('the same again joins what is being done; another is refused in words', async () => {
  const { jobs } = await bench()
  const work = Promise.withResolvers<JobResult>()
  const first = jobs.begin(CODE, () => work.promise)
  const second = jobs.begin(CODE, () => Promise.reject(new Error('begun twice')))
  expect([second.isJoined, second.job.id]).toEqual([true, first.job.id])
  expect(() => jobs.await(LOAD)).toThrow(Busy)
  expect(() => jobs.begin({ ...CODE, kind: 'roll-back' }, async () => UPDATED)).toThrow(
    'The box is busy: the code is being updated. One thing is done at a time.',
  )
  work.resolve(UPDATED)
  expect(await second.ended).toMatchObject({ result: 'updated', id: first.job.id })
  expect([jobs.current, jobs.last.code?.result]).toEqual([null, 'updated'])
})

test('what throws has failed with its words, and the next may begin', async () => {
  const { jobs } = await bench()
  const { ended } = jobs.begin(CODE, () => Promise.reject(new Error('no space')))
  expect(await ended).toMatchObject({ result: 'failed', because: 'no space' })
  expect(jobs.begin(CODE, async () => UPDATED).isJoined).toBe(false)
})

test('the agent works within the job that waits for it, and that ends with its turn', async () => {
  const { jobs } = await bench()
  const { ended, job } = jobs.await(LOAD)
  await jobs.carry({ ...OFFER, type: 'image' }, async () => ({ kind: 'updated' }))
  expect(jobs.current?.id).toBe(job.id)
  await jobs.carry(OFFER, async () => ({ kind: 'failed', error: 'broken' }))
  expect(await ended).toMatchObject({ about: 'handlers@2', result: 'failed', because: 'broken' })
})

test('the agent waits for what the box does by itself, and is a job of its own then', async () => {
  const { jobs } = await bench()
  const work = Promise.withResolvers<JobResult>()
  jobs.begin(CODE, () => work.promise)
  const seen: string[] = []
  const carried = jobs.carry(OFFER, async () => {
    seen.push(`${jobs.current?.kind} ${jobs.current?.by}`)
    expect(jobs.await(LOAD).isJoined).toBe(true)
    seen.push(`${jobs.current?.by}`)
    return { kind: 'updated' }
  })
  expect(seen).toEqual([])
  work.resolve(UPDATED)
  await carried
  expect(seen).toEqual(['load-handlers automatic', 'page'])
})

test('a restart is done once another start says so', async () => {
  const first = await bench()
  const how: string[] = []
  first.jobs.on('leave', (then) => how.push(then))
  const then = 'exit' as const
  first.jobs.begin(RESTART, async () => ({ ...UPDATED, then }))
  await first.jobs.flush()
  expect(how).toEqual(['exit'])
  const { jobs, cutOff } = await bench(first.memory)
  if (!cutOff) throw new Error('nothing was cut off')
  expect(await jobs.takeUp(cutOff, null)).toBeNull()
  expect(jobs.latest).toMatchObject({ kind: 'restart', result: 'done' })
})

test('one that was cut off goes on under its number, and says so', async () => {
  const first = await bench()
  const { job } = first.jobs.await(LOAD)
  await first.jobs.flush()
  const { jobs, cutOff } = await bench(first.memory)
  if (!cutOff) throw new Error('nothing was cut off')
  await jobs.takeUp(cutOff, 'cut off')
  await jobs.carry(OFFER, async () => ({ kind: 'updated' }))
  await jobs.flush()
  expect(jobs.latest).toMatchObject({ id: job.id, by: 'page', note: WENT_ON, result: 'updated' })
})

test('one that was to restart goes on without a word about it', async () => {
  const first = await bench()
  first.jobs.await(LOAD)
  await first.jobs.flush()
  const { jobs, cutOff } = await bench(first.memory)
  if (!cutOff) throw new Error('nothing was cut off')
  await jobs.takeUp(cutOff, 'as meant')
  await jobs.carry(OFFER, async () => ({ kind: 'updated' }))
  expect(jobs.latest).toMatchObject({ note: null, result: 'updated' })
})

test('one that its layer has ended meanwhile has that result', async () => {
  const first = await bench()
  first.jobs.begin(CODE, () => new Promise(() => {}))
  await first.jobs.flush()
  const { jobs, cutOff, history } = await bench(first.memory)
  history.unshift({ kind: 'rolled-back', at: 'now', release: null, because: 'it did not stay up' })
  if (!cutOff) throw new Error('nothing was cut off')
  expect(await jobs.takeUp(cutOff, null)).toBeNull()
  expect(jobs.last.code).toMatchObject({
    result: 'rolled-back',
    because: 'it did not stay up',
    note: WENT_ON,
  })
})

test('one that was asked for and had not begun is begun again, but not for ever', async () => {
  let { memory, jobs, cutOff } = await bench()
  jobs.await(LOAD)
  await jobs.flush()
  for (let start = 1; start <= 3; start += 1) {
    ;({ memory, jobs, cutOff } = await bench(memory))
    if (!cutOff) throw new Error('nothing was cut off')
    const task = await jobs.takeUp(cutOff, null)
    expect(task, `start ${start}`).toEqual(start < 3 ? LOAD : null)
    if (task) jobs.await(task)
    await jobs.flush()
  }
  expect(jobs.latest).toMatchObject({ result: 'failed', because: 'It was cut off by a restart.' })
})
