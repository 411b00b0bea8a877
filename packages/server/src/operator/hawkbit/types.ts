/** The types of modules and sets: hawkBit's own three of each, by the numbers it gives them. */
import { componentTypeOf, partOf } from '@updraft/wire/hawkbit'
import { type Addresses, type Links, pagedList } from './documents.ts'

export interface ModuleType {
  readonly id: number
  readonly key: string
  readonly name: string
  readonly description: string
  readonly maxAssignments: number
}

export interface SetType {
  readonly id: number
  readonly key: string
  readonly name: string
  readonly description: string
}

export const MODULE_TYPES: readonly ModuleType[] = [
  {
    id: 1,
    key: 'os',
    name: 'OS',
    description: 'Core firmware or operating system: component type firmware',
    maxAssignments: 1,
  },
  {
    id: 2,
    key: 'application',
    name: 'Application',
    description: 'Application: component type software',
    maxAssignments: 1,
  },
  {
    id: 3,
    key: 'runtime',
    name: 'Runtime',
    description: 'Runtime environment: component type runtime',
    maxAssignments: 1,
  },
]

export const SET_TYPES: readonly SetType[] = [
  { id: 1, key: 'os', name: 'OS only', description: 'Operating system or firmware' },
  { id: 2, key: 'app', name: 'App(s) only', description: 'Application' },
  { id: 3, key: 'os_app', name: 'OS with app(s)', description: 'Both' },
]

const KEYS: Readonly<Record<string, string>> = { bApp: 'application', jvm: 'runtime' }

/** The component type that modules of that type are; their own name where hawkBit has none. */
export const componentOf = (key: string): string => componentTypeOf(key)

/** How a component type is called among modules. */
export function keyOf(type: string): string {
  const part = partOf(type)
  return KEYS[part] ?? part
}

export const nameOfModuleType = (key: string): string =>
  MODULE_TYPES.find((type) => type.key === key)?.name ?? key

export const nameOfSetType = (key: string): string =>
  SET_TYPES.find((type) => type.key === key)?.name ?? key

export const typeList = <T extends { readonly id: number }>(
  types: readonly T[],
  path: string,
  at: Addresses,
) =>
  pagedList(
    types.map((type) => typeDocument(type, path, at)),
    types.length,
  )

export const typeDocument = <T extends { readonly id: number }>(
  type: T,
  path: string,
  at: Addresses,
): T & { deleted: false; _links: Links } => ({
  ...type,
  deleted: false,
  _links: { self: at.of(`${path}/${type.id}`) },
})
