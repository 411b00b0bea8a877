import {
  type Operation,
  type Snapshot,
  STANDARD_HANDLING,
  type State,
  type Step,
} from '@updraft/core'
import { describe, expect, test } from 'vitest'
import type { InstalledSince, OperationView } from '../app/ports.ts'
import {
  attributesView,
  gatherSeries,
  LATEST,
  TIMESERIES_KEYS,
  timeseriesView,
  type WantedSeries,
} from './thingsboard-names.ts'

const because = { code: 'device.reported', message: '' } as const
const at = (ms: number) => new Date(1_700_000_000_000 + ms)

type Moment = readonly [ms: number, state: State, error?: string]

/** An operation that went through those states, to version `version`. */
function operation(
  version: string,
  moments: readonly Moment[],
  { type = 'firmware', releaseTag = null as string | null } = {},
): OperationView {
  const [openedAt, changedAt] = [at(moments[0]?.[0] ?? 0), at(moments.at(-1)?.[0] ?? 0)]
  const steps = moments.map(
    ([ms, state, error = null], index): Step => ({
      operationId: version,
      at: at(ms),
      state,
      outcome: index === 0 ? 'opened' : 'moved',
      progressPercent: 0,
      error,
      because,
    }),
  )
  const view = { title: 'app', version, type, openedAt, changedAt } as Operation
  return { operation: view, releaseTag, steps }
}

async function* each(operations: readonly OperationView[]) {
  yield* operations
}

/** As the API answers; operations are given in the order they were opened. */
async function read(
  operations: readonly OperationView[],
  wanted: Partial<WantedSeries> = {},
  installed: readonly InstalledSince[] = [],
) {
  const all = { keys: TIMESERIES_KEYS, ...LATEST, limit: 100, ...wanted }
  const ordered = all.orderBy === 'ASC' ? operations : operations.toReversed()
  const series = await gatherSeries(each(ordered), installed, all)
  const view = timeseriesView(series, { isStrict: true, absent: null })
  return Object.fromEntries(
    Object.entries(view).map(([key, points]) => [
      key,
      points.map(({ ts, value }) => [ts - at(0).getTime(), value]),
    ]),
  )
}

const FIRST = operation('1', [
  [0, 'QUEUED'],
  [10, 'INITIATED'],
  [20, 'DOWNLOADING'],
  [30, 'FAILED', 'no space'],
])
const SECOND = operation(
  '2',
  [
    [100, 'QUEUED'],
    [110, 'INITIATED'],
    [120, 'UPDATED'],
  ],
  { releaseTag: 'app 2' },
)

test('the newest values are those of the newest operation that has some', async () => {
  expect(await read([FIRST, SECOND], { limit: 1 })).toEqual({
    current_fw_title: [[120, 'app']],
    current_fw_version: [[120, '2']],
    target_fw_title: [[100, 'app']],
    target_fw_version: [[100, '2']],
    target_fw_tag: [[100, 'app 2']],
    target_fw_ts: [[100, at(100).getTime()]],
    fw_state: [[120, 'UPDATED']],
    fw_error: [[120, '']],
  })
})

test('the history has every state, and what went wrong', async () => {
  const { fw_state, fw_error } = await read([FIRST, SECOND], { orderBy: 'ASC' })
  expect(fw_state?.map(([, state]) => state)).toEqual([
    'QUEUED',
    'INITIATED',
    'DOWNLOADING',
    'FAILED',
    'QUEUED',
    'INITIATED',
    'UPDATED',
  ])
  expect(fw_error).toEqual([
    [20, ''],
    [30, 'no space'],
    [120, ''],
  ])
})

test('two states of one millisecond are both there, in the order they came', async () => {
  const rushed = operation('1', [
    [0, 'QUEUED'],
    [5, 'DOWNLOADED'],
    [5, 'VERIFIED'],
  ])
  const keys = ['fw_state']
  const states = async (orderBy: 'ASC' | 'DESC') =>
    (await read([rushed], { keys, orderBy })).fw_state
  expect(await states('ASC')).toEqual([
    [0, 'QUEUED'],
    [5, 'DOWNLOADED'],
    [5, 'VERIFIED'],
  ])
  expect(await states('DESC')).toEqual((await states('ASC'))?.toReversed())
})

test('a range has its beginning and not its end, and so many of each key', async () => {
  const keys = ['fw_state']
  const range = { keys, startTs: at(10).getTime(), endTs: at(110).getTime() }
  expect((await read([FIRST, SECOND], { ...range, orderBy: 'ASC', limit: 2 })).fw_state).toEqual([
    [10, 'INITIATED'],
    [20, 'DOWNLOADING'],
  ])
  expect((await read([FIRST, SECOND], { ...range, limit: 2 })).fw_state).toEqual([
    [100, 'QUEUED'],
    [30, 'FAILED'],
  ])
})

test('what was taken back leaves target and state as they were', async () => {
  const withdrawn = operation('3', [
    [200, 'QUEUED'],
    [210, 'INITIATED'],
    [220, 'CANCELED'],
  ])
  expect(await read([SECOND, withdrawn], { limit: 1 })).toMatchObject({
    target_fw_version: [[200, '3']],
    fw_state: [[210, 'INITIATED']],
    current_fw_version: [[120, '2']],
  })
})

test('what a device says it runs counts from when it said so, and once', async () => {
  const runs = (version: string, ms: number) => [
    { type: 'firmware', installed: { title: 'app', version }, at: at(ms) },
  ]
  const keys = ['current_fw_version']
  expect((await read([SECOND], { keys }, runs('2', 120))).current_fw_version).toEqual([[120, '2']])
  expect((await read([SECOND], { keys }, runs('1', 500))).current_fw_version).toEqual([
    [500, '1'],
    [120, '2'],
  ])
  expect((await read([], { keys }, runs('1', 5))).current_fw_version).toEqual([[5, '1']])
})

test('software has its own names, and other components none', async () => {
  const software = operation('7', [[0, 'QUEUED']], { type: 'software' })
  const other = operation('8', [[1, 'QUEUED']], { type: 'bootloader' })
  expect(Object.keys(await read([software, other]))).toEqual([
    'target_sw_title',
    'target_sw_version',
    'target_sw_ts',
    'sw_state',
  ])
})

describe('no more operations are read than it takes', () => {
  async function reads(operations: readonly OperationView[], wanted: Partial<WantedSeries>) {
    let count = 0
    const counted = (async function* () {
      for (const view of operations) {
        count += 1
        yield view
      }
    })()
    await gatherSeries(counted, [], { keys: ['fw_state'], ...LATEST, ...wanted })
    return count
  }

  test('once all that is wanted is there', async () => {
    expect(await reads([SECOND, FIRST], { limit: 3 })).toBe(1)
  })

  test('once they lie before the range, in each family by itself', async () => {
    const software = operation('s', [[50, 'QUEUED']], { type: 'software' })
    const range = { limit: 100, startTs: at(90).getTime(), keys: ['fw_state', 'sw_state'] }
    expect(await reads([SECOND, software, FIRST, FIRST, FIRST], range)).toBe(3)
  })
})

test('values are texts unless their types are wanted; what there is not has none', async () => {
  const series = await gatherSeries(each([SECOND]), [], {
    keys: ['target_fw_ts', 'sw_state'],
    ...LATEST,
  })
  expect(timeseriesView(series, { isStrict: false, absent: null })).toEqual({
    target_fw_ts: [{ ts: at(100).getTime(), value: String(at(100).getTime()) }],
  })
  const absent = { keys: ['target_fw_ts', 'sw_state'], now: at(999) }
  expect(timeseriesView(series, { isStrict: true, absent })).toEqual({
    target_fw_ts: [{ ts: at(100).getTime(), value: at(100).getTime() }],
    sw_state: [{ ts: at(999).getTime(), value: null }],
  })
})

test('attributes are what the device said, what it is told, and when it was heard', () => {
  const release = {
    id: 'r',
    type: 'firmware',
    title: 'app',
    version: '2',
    tag: null,
    sizeBytes: 3,
    checksumAlgorithm: 'SHA256',
    checksum: 'ff',
    externalUrl: null,
    requirement: null,
    needs: {},
    profileId: 'p',
  }
  const snapshot = {
    device: {
      profileId: 'p',
      profileName: 'P',
      cloudId: null,
      cloudName: null,
      attributes: { colour: 'red', fw_title: 'made up' },
      inventory: { serial: 7 },
      installed: {},
      createdAt: at(1),
      lastSeenAt: at(2),
    },
    components: {
      firmware: {
        deviceAssignment: {
          release,
          assignedAt: at(3),
          handling: STANDARD_HANDLING,
          attempts: { failures: 0, lastFailedAt: null, isCancelled: false, isStaged: false },
        },
        profileAssignment: null,
        underWay: null,
        latestEnded: null,
        targets: [],
        arrival: null,
      },
    },
  } as unknown as Snapshot
  const ts = (ms: number) => at(ms).getTime()
  expect(attributesView(snapshot, 'CLIENT_SCOPE', at(9))).toEqual([
    { key: 'serial', value: 7, lastUpdateTs: ts(2) },
  ])
  expect(attributesView(snapshot, 'SHARED_SCOPE', at(9))).toEqual([
    { key: 'colour', value: 'red', lastUpdateTs: ts(1) },
    { key: 'fw_title', value: 'app', lastUpdateTs: ts(3) },
    { key: 'fw_version', value: '2', lastUpdateTs: ts(3) },
    { key: 'fw_size', value: 3, lastUpdateTs: ts(3) },
    { key: 'fw_checksum_algorithm', value: 'SHA256', lastUpdateTs: ts(3) },
    { key: 'fw_checksum', value: 'ff', lastUpdateTs: ts(3) },
  ])
  expect(attributesView(snapshot, 'SHARED_SCOPE', at(9), ['fw_version'])).toHaveLength(1)
  expect(attributesView(snapshot, 'SERVER_SCOPE', at(9))).toEqual([
    { key: 'lastActivityTime', value: ts(2), lastUpdateTs: ts(2) },
  ])
})
