/** Holds the server's account of the fleet against what the devices know of themselves. */
import type { Installed } from '@updraft/core'
import type { PretendDevice } from './device.ts'

/** As much of a device as the server's operators' API tells and as is looked at here. */
export interface DeviceThere {
  readonly name: string
  readonly installed: Readonly<Record<string, Installed>>
  readonly components: Readonly<Record<string, { readonly operation: OperationThere | null }>>
}

interface OperationThere {
  readonly state: string
  readonly release: { readonly title: string; readonly version: string }
}

export interface Difference {
  readonly name: string
  readonly what: string
  readonly here: string
  readonly there: string
}

/** A device as far as it can be held against anything. */
export type Truth = Pick<
  PretendDevice,
  'name' | 'nameThere' | 'runs' | 'lastEnd' | 'isUnderWay' | 'isKnown'
>

/** Devices in the middle of an update, and those the server has not heard of, are not compared. */
export const isComparable = ({ isUnderWay, isKnown }: Truth): boolean => isKnown && !isUnderWay

/** What the server believes of comparable devices and is not so. */
export function differences(
  truths: readonly Truth[],
  there: ReadonlyMap<string, DeviceThere>,
): Difference[] {
  return truths.filter(isComparable).flatMap((truth) => {
    const { name, nameThere } = truth
    const device = there.get(nameThere)
    if (!device) return [{ name, what: 'device', here: 'is here', there: 'unknown' }]
    return [...wrongVersions(truth, device), ...wrongEnd(truth, device)]
  })
}

function wrongVersions({ name, runs }: Truth, { installed }: DeviceThere): Difference[] {
  return Object.entries(runs).flatMap(([type, here]) => {
    const there = installed[type]
    // Some devices tell no title.
    const isTitled = there?.title !== null && there?.title !== undefined
    const isSame = there?.version === here.version && (!isTitled || there.title === here.title)
    const what = `${type} runs`
    return isSame ? [] : [{ name, what, here: nameOf(here), there: there ? nameOf(there) : '–' }]
  })
}

/** How its last update ended; a newer one there, or the same one asked for anew, says nothing against it. */
function wrongEnd({ name, lastEnd }: Truth, { components }: DeviceThere): Difference[] {
  if (!lastEnd) return []
  const { type, release, state } = lastEnd
  const operation = components[type]?.operation
  const isAbout = operation && nameOf(operation.release) === nameOf(release)
  if (!isAbout || !['UPDATED', 'FAILED'].includes(operation.state)) return []
  if (operation.state === state) return []
  return [{ name, what: `${nameOf(release)} ended`, here: state, there: operation.state }]
}

const nameOf = ({ title, version }: Installed): string => `${title ?? '?'}@${version ?? '?'}`

/** All devices of the server, by name. Throws with the server's own words when it refuses. */
export async function devicesThere({
  server,
  token,
}: {
  server: string
  token: string
}): Promise<Map<string, DeviceThere>> {
  const found = new Map<string, DeviceThere>()
  let cursor: string | null = null
  do {
    const url = new URL('/api/devices?limit=500', server)
    if (cursor !== null) url.searchParams.set('cursor', cursor)
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    const text = await response.text()
    if (!response.ok) throw new Error(`The server answers ${response.status}: ${text}`)
    const page = JSON.parse(text) as { items: DeviceThere[]; nextCursor: string | null }
    for (const device of page.items) found.set(device.name, device)
    cursor = page.nextCursor
  } while (cursor !== null)
  return found
}
