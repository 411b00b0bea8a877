/** Pages of the lists as Relay's connections. One goes forward only, as the lists do. */
import type { Page } from '@updraft/api/shapes'
import {
  builder,
  type InputFieldMap,
  type InputShapeFromFields,
  type ObjectRef,
  type SchemaTypes,
} from './builder.ts'

const DEFAULT_PAGE = 50
/** As many as the lists of the REST API give at most. */
const MAX_PAGE = 500

interface PageInfo {
  readonly hasNextPage: boolean
  readonly endCursor: string | null
}
interface Edge<T> {
  readonly cursor: string
  readonly node: T
}
export interface Connection<T> {
  readonly edges: readonly Edge<T>[]
  readonly pageInfo: PageInfo
  /** Asked only when somebody wants to know. */
  readonly count: (() => Promise<number>) | null
}

const PageInfoType = builder.objectRef<PageInfo>('PageInfo').implement({
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage'),
    hasPreviousPage: t.boolean({
      description: 'Not known: one goes forward only.',
      resolve: () => false,
    }),
    startCursor: t.string({ nullable: true, resolve: () => null }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: 'Give it as `after` for the next page.',
    }),
  }),
})

/** The page of a list; `count` where counting is cheap enough to be offered. */
export function connection<T>(
  page: Page<T> & { readonly cursors?: readonly string[] | undefined },
  count: (() => Promise<number>) | null = null,
): Connection<T> {
  const { items, nextCursor, cursors } = page
  const edges = items.map((node, index) => ({
    node,
    cursor: cursors?.[index] ?? nextCursor ?? '',
  }))
  return {
    edges,
    pageInfo: { hasNextPage: nextCursor !== null, endCursor: edges.at(-1)?.cursor ?? null },
    count,
  }
}

/** The type of such pages: `DeviceConnection` of `Device`. */
export function connectionType<T>(
  node: ObjectRef<SchemaTypes, T, T>,
  { isCounted = false }: { isCounted?: boolean } = {},
): ObjectRef<SchemaTypes, Connection<T>, Connection<T>> {
  const EdgeType = builder.objectRef<Edge<T>>(`${node.name}Edge`).implement({
    fields: (t) => ({
      cursor: t.exposeString('cursor'),
      node: t.field({ type: node, resolve: (edge) => edge.node as never }),
    }),
  })
  return builder.objectRef<Connection<T>>(`${node.name}Connection`).implement({
    fields: (t) => ({
      edges: t.field({
        type: [EdgeType],
        complexity: { field: 0, multiplier: 1 },
        resolve: ({ edges }) => [...edges],
      }),
      nodes: t.field({
        type: [node],
        complexity: { field: 0, multiplier: 1 },
        resolve: ({ edges }) => edges.map((edge) => edge.node) as never,
      }),
      pageInfo: t.field({ type: PageInfoType, resolve: ({ pageInfo }) => pageInfo }),
      ...(isCounted && {
        count: t.int({
          description: 'How many there are on all pages together.',
          complexity: 50,
          resolve: ({ count, edges }) => count?.() ?? edges.length,
        }),
      }),
    }),
  })
}

/** What a page is asked with. */
export const pageArgs = () => ({
  first: builder.args((t) => ({ first: t.int() })).first,
  after: builder.args((t) => ({ after: t.string() })).after,
})

/** How lists are sorted and searched besides. */
export const listArgs = () => ({
  ...pageArgs(),
  ...builder.args((t) => ({
    sort: t.string({ description: 'a field, with - in front for descending' }),
    search: t.string({ description: 'text within names and titles' }),
  })),
})

/** What is said of a page in the words of the lists; what is not said is left out. */
export function pageQuery<Said extends { first?: number | null; after?: string | null }>({
  first,
  after,
  ...rest
}: Said) {
  return withoutNulls({ ...rest, limit: first ?? DEFAULT_PAGE, cursor: after })
}

/** What a page costs: each thing on it as much as is asked of it. */
export const pageCost = ({ first }: { first?: number | null | undefined }) => ({
  field: 1,
  multiplier: Math.min(Math.max(first ?? DEFAULT_PAGE, 1), MAX_PAGE),
})

/** Null is the same as not said, but for what `mayBeNull` names. */
export function withoutNulls<T extends object, K extends keyof T = never>(
  said: T,
  ...mayBeNull: K[]
): { [P in keyof T]: P extends K ? T[P] : Exclude<T[P], null> } {
  const isSaid = ([name, value]: [string, unknown]) =>
    value !== undefined && (value !== null || mayBeNull.includes(name as K))
  return Object.fromEntries(Object.entries(said).filter(isSaid)) as never
}

export type { InputFieldMap, InputShapeFromFields }
