/** What a request asks: the text of a document, which operation of it, and its variables. */
import { DomainError, type Json } from '@updraft/core'

export interface GraphqlParams {
  readonly query: string
  readonly operationName: string | undefined
  readonly variables: Record<string, unknown>
}

export function readJson(text: string, what: string): Json {
  try {
    return JSON.parse(text)
  } catch (error) {
    const message = `${what} is not JSON: ${(error as Error).message}.`
    throw new DomainError('request.malformed', message)
  }
}

/** Refuses with request.malformed what is no question; several at once are none. */
export function paramsOf(said: unknown): GraphqlParams {
  const refuse = (message: string) => new DomainError('request.malformed', message)
  if (Array.isArray(said)) throw refuse('One operation a request.')
  if (typeof said !== 'object' || said === null) {
    throw refuse('The request is an object with a query.')
  }
  const { query, operationName, variables } = said as Record<string, unknown>
  if (typeof query !== 'string') throw refuse('query: the text of an operation is needed.')
  if (typeof (operationName ?? '') !== 'string') throw refuse('operationName: not a text.')
  const given =
    typeof variables === 'string' && variables !== ''
      ? readJson(variables, 'variables')
      : variables || {}
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw refuse('variables: not an object.')
  }
  return {
    query,
    operationName: (operationName as string | null | undefined) || undefined,
    variables: given as Record<string, unknown>,
  }
}
