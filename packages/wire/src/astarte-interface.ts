/**
 * What an interface of Astarte is, in the form in which Astarte itself keeps and is told of it, and which values its
 * paths hold.
 */
import type { InterfaceVersion } from './astarte.ts'
import type { MappingType } from './astarte-values.ts'

export interface Mapping {
  /** A path, in which `%{name}` stands for any one level. */
  readonly endpoint: string
  readonly type: MappingType
  /** QoS 0, 1 and 2; properties are always sent with 2. */
  readonly reliability?: 'unreliable' | 'guaranteed' | 'unique'
  readonly explicit_timestamp?: boolean
  readonly allow_unset?: boolean
  readonly database_retention_policy?: 'no_ttl' | 'use_ttl'
  /** In seconds. */
  readonly database_retention_ttl?: number
}

export interface InterfaceDefinition {
  readonly interface_name: string
  readonly version_major: number
  readonly version_minor: number
  readonly type: 'properties' | 'datastream'
  readonly aggregation?: 'individual' | 'object'
  readonly ownership: 'device' | 'server'
  readonly mappings: readonly Mapping[]
}

export const versionOf = (definition: InterfaceDefinition): InterfaceVersion => ({
  name: definition.interface_name,
  major: definition.version_major,
  minor: definition.version_minor,
})

/** What a message on a path holds: one value of a type, or an object with keys of types. */
export type Held =
  | { readonly kind: 'value'; readonly type: MappingType }
  | { readonly kind: 'object'; readonly types: Readonly<Record<string, MappingType>> }

/** Null for a path that the interface does not have. */
export function heldAt(definition: InterfaceDefinition, path: string): Held | null {
  if (definition.aggregation !== 'object') {
    const mapping = definition.mappings.find(({ endpoint }) => stands(endpoint, path))
    return mapping ? { kind: 'value', type: mapping.type } : null
  }
  const types = definition.mappings.flatMap(({ endpoint, type }) => {
    const slash = endpoint.lastIndexOf('/')
    return stands(endpoint.slice(0, slash) || '/', path)
      ? [[endpoint.slice(slash + 1), type] as const]
      : []
  })
  return types.length > 0 ? { kind: 'object', types: Object.fromEntries(types) } : null
}

/** Names of one level, as parameters may hold them. */
const LEVEL = /^[^/+#]+$/

function stands(endpoint: string, path: string): boolean {
  const [wanted, found] = [endpoint.split('/'), path.split('/')]
  return (
    wanted.length === found.length &&
    wanted.every((level, index) => {
      const said = found[index] ?? ''
      return level.startsWith('%{') ? LEVEL.test(said) : level === said
    })
  )
}
