/** From what was asked to what is answered: read, checked against the schema and the limits, carried out. */
import { DomainError } from '@updraft/core'
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  type FormattedExecutionResult,
  GraphQLError,
  getOperationAST,
  parse,
  specifiedRules,
  subscribe,
  validate,
} from 'graphql'
import type { GraphqlContext } from './context.ts'
import { checkLimits, checkText, MAX_TOKENS } from './limits.ts'
import type { GraphqlParams } from './params.ts'
import { schema } from './schema.ts'

export type Answer = FormattedExecutionResult
type Tell = (error: unknown) => GraphQLError

/** So many mistakes are told of one text. */
const MAX_MISTAKES = 20

/** One answer, or one after the other for a subscription. Errors stand in the answer, in the words of `tell`. */
export async function carryOut(
  params: GraphqlParams,
  contextValue: GraphqlContext,
  { mayChange, tell }: { mayChange: boolean; tell: Tell },
): Promise<Answer | AsyncGenerator<Answer, void, undefined>> {
  const refused = (errors: readonly unknown[]): Answer => ({
    errors: errors.map((error) => tell(error).toJSON()),
  })
  const told = ({ data, errors }: ExecutionResult): Answer => ({
    ...(data !== undefined && { data }),
    ...(errors && refused(errors)),
  })
  const read = readDocument(params.query)
  if ('mistakes' in read) return refused(read.mistakes)
  const { document } = read
  const { operationName, variables: variableValues } = params
  const operation = getOperationAST(document, operationName)?.operation
  try {
    checkLimits(schema, { document, operationName, variables: variableValues })
    if (operation === 'mutation' && !mayChange) {
      throw new DomainError('request.malformed', 'A mutation is sent with POST.')
    }
  } catch (error) {
    return refused([error])
  }
  const asked = { schema, document, operationName, variableValues, contextValue }
  if (operation !== 'subscription') return told(await execute(asked))
  const answers = await subscribe(asked)
  if (!(Symbol.asyncIterator in answers)) return told(answers)
  return (async function* () {
    try {
      for await (const each of answers) yield told(each)
    } catch (error) {
      yield refused([error])
    }
  })()
}

/** The document, or what is wrong with it. */
function readDocument(text: string): { document: DocumentNode } | { mistakes: readonly unknown[] } {
  try {
    const document = parse(text, { maxTokens: MAX_TOKENS })
    checkText(document)
    const mistakes = validate(schema, document, specifiedRules, { maxErrors: MAX_MISTAKES })
    return mistakes.length > 0 ? { mistakes } : { document }
  } catch (error) {
    if (error instanceof GraphQLError || error instanceof DomainError) return { mistakes: [error] }
    // Whoever reads the text goes as deep as it does; whether the stack holds depends on the machine.
    if (!(error instanceof RangeError)) throw error
    const refusal = new DomainError('request.too-large', 'The query is nested too deeply.')
    return { mistakes: [refusal] }
  }
}
