/** Refusals in the words of GraphQL: our code and what else is safe to tell; of a bug nothing but where to look. */
import { DomainError, ERROR_MEANINGS } from '@updraft/core'
import { GraphQLError } from 'graphql'
import { builder } from './builder.ts'

/** A refusal of a mutation, in its answer. */
export interface MutationError {
  readonly code: string
  readonly message: string
  readonly shortMessage: string
  readonly fields: readonly string[]
  readonly vars: object
}

export const MutationErrorType = builder.objectRef<MutationError>('MutationError').implement({
  description: 'Why nothing came of a mutation.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'One of the codes of the REST API.' }),
    message: t.exposeString('message', { description: 'A sentence for a person.' }),
    shortMessage: t.exposeString('shortMessage', { description: 'What the code stands for.' }),
    fields: t.field({
      type: ['String'],
      description: 'What of the input is wrong, where one can say.',
      complexity: 1,
      resolve: ({ fields }) => [...fields],
    }),
    vars: t.field({ type: 'JSON', resolve: ({ vars }) => vars, description: 'Details by name.' }),
  }),
})

interface Issue {
  readonly path: string
}

export function mutationErrorOf({ code, message, details }: DomainError): MutationError {
  const { issues, ...vars } = details as { issues?: readonly Issue[] }
  return {
    code,
    message,
    shortMessage: ERROR_MEANINGS[code],
    fields: (issues ?? []).map(({ path }) => path).filter((path) => path !== ''),
    vars,
  }
}

/** The refusal behind an error of the execution; null for none of ours. */
export function refusalBehind(error: unknown): DomainError | null {
  if (error instanceof DomainError) return error
  return error instanceof GraphQLError && error.originalError
    ? refusalBehind(error.originalError)
    : null
}

/** Whether the request itself is wrong: its syntax, a field that is not there, a value of another type. */
const isOfRequest = (error: unknown): error is GraphQLError =>
  error instanceof GraphQLError &&
  (!error.originalError || error.originalError instanceof GraphQLError)

/** The error as it is told. `tellBug` logs what nobody foresaw and says where in the log it is. */
export function toldError(error: unknown, tellBug: (error: unknown) => string): GraphQLError {
  const refusal = refusalBehind(error)
  const { nodes, path, source, positions } =
    error instanceof GraphQLError ? error : ({} as Partial<GraphQLError>)
  const where = { nodes: nodes ?? null, path: path ?? null, source, positions }
  if (refusal) {
    const { code, message, details } = refusal
    return new GraphQLError(message, { ...where, extensions: { ...details, code } })
  }
  if (isOfRequest(error)) {
    const extensions = { code: 'request.malformed', ...error.extensions }
    return new GraphQLError(error.message, { ...where, extensions })
  }
  return new GraphQLError(tellBug(error), { ...where, extensions: { code: 'internal' } })
}
