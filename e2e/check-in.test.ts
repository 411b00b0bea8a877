import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CheckInResponse, ReportResponse } from '@updraft/wire/updraft'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { curl } from './curl.ts'
import { firmware } from './firmware.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform

beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

const post = (token: string, path: string, body: unknown) =>
  curl(
    '--header',
    `Authorization: Bearer ${token}`,
    '--data',
    JSON.stringify(body),
    `${platform.url}${path}`,
  )

test('three curl requests update a device with real firmware, and its history tells the story', async () => {
  const { seabios } = await firmware()
  const bytes = await readFile(seabios)
  await platform.addProfile('pc')
  const token = await platform.addDevice('d1', 'pc')
  const releaseId = await platform.addRelease({
    title: 'bios',
    version: '1.16.2',
    profile: 'pc',
    bytes: new Uint8Array(bytes),
  })
  await platform.assign(releaseId, { profile: 'pc' })
  const waiting = await platform.until('d1', ({ operation }) => operation?.state === 'QUEUED')
  expect(waiting.operation?.origin.message).toBe('bios@1.16.2, because profile pc is assigned it.')

  const checkIn = await post(token, '/device/v1/check-in', {
    installed: { firmware: { title: 'bios', version: '1.16.1' } },
    facts: { memory: 512 },
  })
  expect(checkIn.status).toBe(200)
  const { offers } = checkIn.json<CheckInResponse>()
  expect(offers).toHaveLength(1)
  const [offer] = offers
  expect(offer).toMatchObject({
    type: 'firmware',
    title: 'bios',
    version: '1.16.2',
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  })

  const file = join(platform.dataFolder, 'fetched.bin')
  const fetched = await curl('--output', file, offer?.artifact ?? '')
  expect(fetched.status).toBe(200)
  expect(Buffer.compare(await readFile(file), bytes)).toBe(0)

  const path = `/device/v1/operations/${offer?.operation}/report`
  const downloading = await post(token, path, { state: 'DOWNLOADING', progress: 40 })
  expect(downloading.json<ReportResponse>()).toMatchObject({
    outcome: 'moved',
    state: 'DOWNLOADING',
  })
  expect((await platform.device('d1')).operation).toMatchObject({
    state: 'DOWNLOADING',
    progress: 40,
  })
  const updated = await post(token, path, { state: 'UPDATED' })
  expect(updated.json<ReportResponse>()).toMatchObject({ outcome: 'moved', state: 'UPDATED' })

  const device = await platform.device('d1')
  expect(device).toMatchObject({
    profile: 'pc',
    installed: { firmware: { title: 'bios', version: '1.16.2' } },
    inventory: { memory: 512 },
    operation: { state: 'UPDATED', release: { title: 'bios', version: '1.16.2' }, progress: 100 },
  })
  expect(await platform.history('d1')).toEqual([['QUEUED', 'INITIATED', 'DOWNLOADING', 'UPDATED']])

  const again = await post(token, '/device/v1/check-in', {
    installed: { firmware: { title: 'bios', version: '1.16.2' } },
  })
  expect(again.json<CheckInResponse>().offers).toEqual([])
})
