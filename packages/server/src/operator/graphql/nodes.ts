/** What can be asked for by its id alone, whatever it is. */
import { DomainError, isRefusal } from '@updraft/core'
import { builder } from './builder.ts'
import type { GraphqlContext } from './context.ts'
import { type NodeType, readGlobalId } from './ids.ts'

const MAX_NODES = 100

/** Says what it is of; only what is asked for as a node needs to. */
export interface Node {
  readonly __typename: NodeType
}

export const NodeInterface = builder.interfaceRef<object>('Node').implement({
  fields: (t) => ({ id: t.id({ resolve: (node) => (node as { id: string }).id }) }),
})

type Read = (id: string, context: GraphqlContext) => Promise<object | null>
const READ = new Map<NodeType, Read>()

/** How things of that type are read by their UUID; null for what is not there. */
export function readNodes(type: NodeType, read: Read): void {
  READ.set(type, read)
}

const nodeOf = async (text: string, context: GraphqlContext): Promise<Node | null> => {
  const read = readGlobalId(text)
  const found = read && (await orNull(READ.get(read.type)?.(read.id, context)))
  return read && found ? { ...found, __typename: read.type } : null
}

/** Null where what was asked for is not there. */
export const orNull = async <T>(asked: Promise<T> | undefined): Promise<T | null> => {
  try {
    return (await asked) ?? null
  } catch (error) {
    if (isRefusal(error, 'unknown')) return null
    throw error
  }
}

builder.queryField('node', (t) =>
  t.field({
    type: NodeInterface,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, context) => nodeOf(id, context),
  }),
)
builder.queryField('nodes', (t) =>
  t.field({
    type: [NodeInterface],
    nullable: { list: false, items: true },
    args: { ids: t.arg.idList({ required: true }) },
    complexity: ({ ids }) => ({ field: 1, multiplier: ids.length }),
    resolve: (_root, { ids }, context) => {
      if (ids.length > MAX_NODES) {
        throw new DomainError('request.too-large', `At most ${MAX_NODES} nodes at a time.`)
      }
      // Each by itself: what one may not see is null, and the others are there.
      return ids.map((id) => nodeOf(id, context))
    },
  }),
)
