/** What AppEngine and triggers tell of a device, as it would have said it itself. */
import type { Facts, Json, JsonObject, Snapshot } from '@updraft/core'
import { heldAt, type InterfaceDefinition } from '@updraft/wire/astarte-interface'
import { FACTS, NAMES } from '@updraft/wire/edgehog'
import type { Introspection } from '../../app/cluster-desk.ts'
import type { ClusterClient } from './cluster-client.ts'
import { factsOf, PLACES, type Told } from './translate.ts'

const DEFINITIONS: ReadonlyMap<string, InterfaceDefinition> = new Map(
  FACTS.map((definition) => [definition.interface_name, definition]),
)
/** What is decided by, and so never taken from memory. */
const ALWAYS: readonly string[] = [NAMES.baseImage, NAMES.systemInfo]

/** A value as JSON has it, by what its path holds: integers of 64 bits come as texts. Undefined when it does not fit. */
export function toldBy(name: string, path: string, value: unknown): Told | undefined {
  const definition = DEFINITIONS.get(name)
  const held = definition && heldAt(definition, path)
  if (!held) return undefined
  // Unset.
  if (value === null) return { interface: name, path, value: undefined }
  if (held.kind === 'value') {
    const one = scalarOf(held.type, value)
    return one === undefined ? undefined : { interface: name, path, value: one }
  }
  if (typeof value !== 'object') return undefined
  const said: Record<string, Json> = {}
  for (const [key, type] of Object.entries(held.types)) {
    const one = scalarOf(type, (value as Record<string, unknown>)[key])
    if (one !== undefined) said[key] = one
  }
  return { interface: name, path, value: said }
}

function scalarOf(type: string, value: unknown): Json | undefined {
  if (type === 'string') return typeof value === 'string' ? value : undefined
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) return undefined
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** All that is told, one after the other; null when nothing of it is new. */
export function factsIn(inventory: JsonObject, all: readonly Told[]): Facts | null {
  const facts = all.reduce<Facts | null>((before, told) => {
    const more = factsOf(before?.inventory ?? inventory, told)
    if (!more) return before
    return {
      installed: { ...before?.installed, ...more.installed },
      inventory: more.inventory ?? before?.inventory,
    }
  }, null)
  return facts
}

/** The properties a device has set there: those that count each time, the others where nothing is known of them. */
export async function readFacts(
  client: Pick<ClusterClient, 'properties'>,
  astarteId: string,
  { inventory }: Snapshot['device'],
  introspection: Introspection,
): Promise<Facts | null> {
  const all: Told[] = []
  for (const { interface_name: name, type } of FACTS) {
    if (type !== 'properties' || !introspection[name]) continue
    if (!ALWAYS.includes(name) && isKnown(inventory, name)) continue
    const properties = await client.properties(astarteId, name)
    for (const [path, value] of pathsIn(properties ?? {})) {
      const told = toldBy(name, path, value)
      if (told) all.push(told)
    }
  }
  return factsIn(inventory, all)
}

const isKnown = (inventory: JsonObject, name: string): boolean => {
  const [key] = PLACES[name] ?? []
  return key !== undefined && Object.hasOwn(inventory, key)
}

/** Of nested properties, each value by its path. */
function pathsIn(tree: unknown, below = ''): [string, unknown][] {
  if (typeof tree !== 'object' || tree === null) return [[below, tree]]
  return Object.entries(tree).flatMap(([key, value]) => pathsIn(value, `${below}/${key}`))
}
