/**
 * The parameters of a request with a file. Two ways to say which variable is the file are understood: `operations` and
 * `map` of the GraphQL multipart request specification, and `query` and `variables` where the variable names the part.
 */
import { DomainError, type Json } from '@updraft/core'
import { type GraphqlParams, paramsOf, readJson } from './params.ts'
import { Upload } from './upload.ts'

export function paramsIn(fields: ReadonlyMap<string, string>): GraphqlParams {
  const operations = fields.get('operations')
  if (operations === undefined) return paramsOf(Object.fromEntries(fields))
  const params = paramsOf(readJson(operations, 'operations'))
  const map = readJson(fields.get('map') ?? '{}', 'map')
  if (typeof map !== 'object' || map === null) {
    throw new DomainError('request.malformed', 'map: an object of parts and the places they go to.')
  }
  for (const [part, places] of Object.entries(map)) {
    for (const place of [places].flat()) put(params.variables, String(place), new Upload(part))
  }
  return params
}

/** Puts a file where a path such as `variables.input.file` leads. */
function put(variables: Record<string, unknown>, place: string, upload: Upload): void {
  const [first, ...path] = place.split('.')
  const last = path.pop()
  let at: unknown = variables
  for (const name of path) {
    at =
      typeof at === 'object' && at !== null && Object.hasOwn(at, name)
        ? (at as Record<string, Json>)[name]
        : null
  }
  if (
    first !== 'variables' ||
    last === undefined ||
    typeof at !== 'object' ||
    at === null ||
    last === '__proto__'
  ) {
    throw new DomainError('request.malformed', `map: there is no ${place}.`)
  }
  ;(at as Record<string, unknown>)[last] = upload
}
