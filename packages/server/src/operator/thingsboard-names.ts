/**
 * What we know of a device under the names ThingsBoard has for it, for scripts and dashboards that read those.
 * Sources in docs/dialects/thingsboard.md, under "Names that operators read".
 */
import type * as api from '@updraft/api/shapes'
import {
  choose,
  desiredRelease,
  type Installed,
  type Json,
  type Operation,
  type Snapshot,
  STATE_TABLE,
  type State,
  type Step,
  situationOf,
} from '@updraft/core'
import {
  attributesOfRelease,
  deletedKeys,
  FAMILIES,
  FAMILY_PREFIXES,
  type Family,
} from '@updraft/wire/thingsboard'
import type { InstalledSince, OperationView } from '../app/ports.ts'

const keysOf = (family: Family): string[] => [
  `current_${family}_title`,
  `current_${family}_version`,
  `target_${family}_title`,
  `target_${family}_version`,
  `target_${family}_tag`,
  `target_${family}_ts`,
  `${family}_state`,
  `${family}_error`,
]

/** All keys there may be. */
export const TIMESERIES_KEYS: readonly string[] = FAMILY_PREFIXES.flatMap(keysOf)

interface Point {
  readonly key: string
  /** Milliseconds since 1970, as all times here. */
  readonly ts: number
  readonly value: string | number
}

/** By key, in the order asked for. */
export type Series = ReadonlyMap<string, readonly Point[]>

export interface WantedSeries {
  readonly keys: readonly string[]
  /** The first belongs to it, the last does not. */
  readonly startTs: number
  readonly endTs: number
  /** So many of each key at most. */
  readonly limit: number
  readonly orderBy: 'ASC' | 'DESC'
}

/** The newest value of each key. */
export const LATEST = {
  startTs: Number.NEGATIVE_INFINITY,
  endTs: Number.POSITIVE_INFINITY,
  limit: 1,
  orderBy: 'DESC',
} as const

/**
 * The values of the keys that have some. Operations come as they are wanted, the first opened or the last opened
 * first, and no more of them are read than it takes.
 */
export async function gatherSeries(
  operations: AsyncIterable<OperationView>,
  installed: readonly InstalledSince[],
  { keys, startTs, endTs, limit, orderBy }: WantedSeries,
): Promise<Series> {
  const series = new Map<string, Point[]>(keys.map((key) => [key, []]))
  const isDescending = orderBy === 'DESC'
  const take = (point: Point) => {
    if (point.ts >= startTs && point.ts < endTs) series.get(point.key)?.push(point)
  }
  const isFull = (family: Family) =>
    keysOf(family).every((key) => (series.get(key)?.length ?? limit) >= limit)
  const over = new Set<Family>()

  for await (const view of operations) {
    const family = familyOf(view.operation.type)
    if (!family) continue
    const points = pointsOf(family, view)
    for (const point of isDescending ? points.toReversed() : points) take(point)
    // Of one family the next begins when the last is over, so what is beyond the range stays there.
    const { openedAt, changedAt } = view.operation
    const isBeyond = isDescending ? changedAt.getTime() < startTs : openedAt.getTime() >= endTs
    if (isBeyond) over.add(family)
    if (FAMILY_PREFIXES.every((each) => over.has(each) || isFull(each))) break
  }

  for (const point of installed.flatMap(installedPoints)) {
    const isSame = ({ ts, value }: Point) => ts === point.ts && value === point.value
    if (!series.get(point.key)?.some(isSame)) take(point)
  }
  // Sorting keeps the order of what came in the same millisecond.
  const inOrder = (a: Point, b: Point) => (isDescending ? b.ts - a.ts : a.ts - b.ts)
  const found = [...series].filter(([, points]) => points.length > 0)
  return new Map(found.map(([key, points]) => [key, points.toSorted(inOrder).slice(0, limit)]))
}

/** What an operation left behind, in the order it came. */
function pointsOf(family: Family, { operation, steps, releaseTag }: OperationView): Point[] {
  const ts = operation.openedAt.getTime()
  const target: Point[] = [
    { key: `target_${family}_title`, ts, value: operation.title },
    { key: `target_${family}_version`, ts, value: operation.version },
    { key: `target_${family}_ts`, ts, value: ts },
  ]
  if (releaseTag) target.push({ key: `target_${family}_tag`, ts, value: releaseTag })
  const moves = steps.filter(({ outcome }) => outcome !== 'ignored')
  return [...target, ...moves.flatMap((step) => stepPoints(family, step, operation))]
}

/** It has no word for what was only to be fetched. */
const stateWord = (state: State): string => (state === 'STAGED' ? 'DOWNLOADED' : state)

/** ThingsBoard leaves target and state as they were when an assignment is withdrawn: there is no CANCELED. */
function stepPoints(family: Family, { state, error, at }: Step, target: Operation): Point[] {
  if (state === 'CANCELED') return []
  const ts = at.getTime()
  const points: Point[] = [{ key: `${family}_state`, ts, value: stateWord(state) }]
  // Devices tell one with each of their states, empty when there is none.
  if (STATE_TABLE[state].isReportable) {
    points.push({ key: `${family}_error`, ts, value: error ?? '' })
  }
  if (state === 'UPDATED') points.push(...currentPoints(family, target, ts))
  return points
}

function installedPoints({ type, installed, at }: InstalledSince): Point[] {
  const family = familyOf(type)
  return family ? currentPoints(family, installed, at.getTime()) : []
}

const currentPoints = (family: Family, { title, version }: Installed, ts: number): Point[] => [
  ...(title === null ? [] : [{ key: `current_${family}_title`, ts, value: title }]),
  ...(version === null ? [] : [{ key: `current_${family}_version`, ts, value: version }]),
]

const familyOf = (type: string): Family | undefined =>
  FAMILY_PREFIXES.find((family) => FAMILIES[family] === type)

/** Unless types are strict all values are texts. `absent` keys are answered too, as of now and without a value. */
export function timeseriesView(
  series: Series,
  {
    isStrict,
    absent,
  }: { isStrict: boolean; absent: { keys: readonly string[]; now: Date } | null },
): api.Timeseries {
  const none = (now: Date) => [{ ts: now.getTime(), value: null }]
  const answer: api.Timeseries = Object.fromEntries(
    absent?.keys.map((key) => [key, none(absent.now)]) ?? [],
  )
  for (const [key, points] of series) {
    answer[key] = points.map(({ ts, value }) => ({ ts, value: isStrict ? value : String(value) }))
  }
  return answer
}

/** The attributes of that scope, or those of them that have one of the keys. */
export function attributesView(
  snapshot: Snapshot,
  scope: api.AttributeScope,
  now: Date,
  keys?: readonly string[],
): api.AttributeValue[] {
  return ATTRIBUTES[scope](snapshot, now).filter(({ key }) => !keys || keys.includes(key))
}

const ATTRIBUTES: Readonly<
  Record<api.AttributeScope, (snapshot: Snapshot, now: Date) => api.AttributeValue[]>
> = {
  /** What the device says of itself; when it said so is not kept, only when it was last heard. */
  CLIENT_SCOPE: ({ device }) => valuesAt(device.inventory, device.lastSeenAt ?? device.createdAt),
  SHARED_SCOPE: (snapshot, now) => {
    const own: Record<string, Json> = { ...snapshot.device.attributes }
    for (const key of FAMILY_PREFIXES.flatMap(deletedKeys)) delete own[key]
    return [
      ...valuesAt(own, snapshot.device.createdAt),
      ...FAMILY_PREFIXES.flatMap((family) => releaseAttributes(snapshot, family, now)),
    ]
  },
  SERVER_SCOPE: ({ device: { lastSeenAt } }) =>
    lastSeenAt ? valuesAt({ lastActivityTime: lastSeenAt.getTime() }, lastSeenAt) : [],
}

/** What tells the device of a release, since it was assigned. */
function releaseAttributes(snapshot: Snapshot, family: Family, now: Date): api.AttributeValue[] {
  const { device, components } = snapshot
  const type = FAMILIES[family]
  const component = components[type]
  if (!component) return []
  const situation = situationOf(snapshot, type, { isHere: false })
  const desired = desiredRelease(choose(situation, now))
  const release = desired === 'under-way' ? component.underWayRelease : desired
  if (!release) return []
  const assignment = [component.deviceAssignment, component.profileAssignment].find(
    (each) => each?.release.id === release.id,
  )
  const since = assignment?.assignedAt ?? component.underWay?.openedAt ?? device.createdAt
  return valuesAt(attributesOfRelease(family, release), since)
}

const valuesAt = (values: Readonly<Record<string, Json>>, at: Date): api.AttributeValue[] =>
  Object.entries(values).map(([key, value]) => ({ key, value, lastUpdateTs: at.getTime() }))
