/** How much one request may ask: how deep, how dear, how long its text is. */
import { complexityFromQuery } from '@pothos/plugin-complexity'
import { DomainError } from '@updraft/core'
import { type DocumentNode, type GraphQLSchema, getOperationAST, Kind, visit } from 'graphql'

export const MAX_TOKENS = 4000
export const MAX_BODY_BYTES = 1_048_576
const MAX_DEPTH = 12
const MAX_FIELDS = 600
const MAX_ALIASES = 60
/**
 * Whoever checks that what is written twice means the same compares each with each: the time that takes grows with the
 * square of these, and is spent before anything is asked.
 */
const MAX_REPEATS = 100
const MAX_FRAGMENTS = 200
/** A page of 500 devices with some thirty fields each. */
const MAX_COST = 25_000
/** Of what is asked under `__schema`; the question that clients ask for all of it goes this deep. */
const MAX_INTROSPECTION_DEPTH = 16

/** What one request asks: an operation of a document, with its variables. */
export interface Asked {
  readonly document: DocumentNode
  readonly operationName?: string | null | undefined
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined
}

/** Refuses with request.too-large a text that would take long merely to check. */
export function checkText(document: DocumentNode): void {
  const written = new Map<string, number>()
  let fields = 0
  let aliases = 0
  let fragments = 0
  let depth = 0
  let deepest = 0
  const countFragment = () => {
    fragments += 1
  }
  visit(document, {
    Field: {
      enter: ({ alias, name }) => {
        const key = (alias ?? name).value
        written.set(key, (written.get(key) ?? 0) + 1)
        fields += 1
        if (alias) aliases += 1
        depth += 1
        deepest = Math.max(deepest, depth)
      },
      leave: () => {
        depth -= 1
      },
    },
    FragmentDefinition: countFragment,
    FragmentSpread: countFragment,
    InlineFragment: countFragment,
  })
  refuseBeyond('names of your own for fields', aliases, MAX_ALIASES)
  refuseBeyond('fields', fields, MAX_FIELDS)
  refuseBeyond('levels of fields', deepest, MAX_INTROSPECTION_DEPTH)
  refuseBeyond('fragments', fragments, MAX_FRAGMENTS)
  refuseBeyond('fields of one name', Math.max(0, ...written.values()), MAX_REPEATS)
}

/** Refuses with request.too-large what is too deep, too dear, or repeats itself too much. */
export function checkLimits(schema: GraphQLSchema, asked: Asked): void {
  const { document, operationName, variables } = asked
  const operation = getOperationAST(document, operationName)
  // The execution says that there is none, or which one is meant.
  if (!operation) return
  const definitions = document.definitions.filter(
    (each) => each === operation || each.kind === Kind.FRAGMENT_DEFINITION,
  )
  const cost = complexityFromQuery(
    { ...document, definitions },
    { schema, variables: { ...variables }, ctx: {} },
  )
  refuseBeyond('levels of fields', cost.depth, MAX_DEPTH)
  refuseBeyond('fields', cost.breadth, MAX_FIELDS)
  if (cost.complexity > MAX_COST) {
    throw new DomainError(
      'request.too-large',
      `The query is too dear: ${Math.round(cost.complexity)} of at most ${MAX_COST}. Ask for fewer things at a time with first.`,
      { cost: cost.complexity, maxCost: MAX_COST },
    )
  }
}

function refuseBeyond(what: string, count: number, max: number): void {
  if (count <= max) return
  throw new DomainError('request.too-large', `The query has ${count} ${what}; at most ${max}.`)
}
