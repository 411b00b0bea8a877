/**
 * The description of the API as it is given out: what the schemas of the routes yield, completed by what they
 * cannot say (raw bytes, problem documents) and rid of what nobody refers to.
 */
import { API_PREFIX, ROUTES, type Route } from '@updraft/api/routes'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined }
type JsonObject = { [key: string]: Json | undefined }

const SCHEMAS = '#/components/schemas/'
const MESSAGES: JsonObject = { 'text/event-stream': {} }
const BYTES: JsonObject = { 'application/octet-stream': {} }

/** The finished document; `generated` is left as it is. */
export function completeDescription(generated: object): JsonObject {
  const document = structuredClone(generated) as JsonObject
  const paths = objectAt(document, 'paths')
  for (const [name, route] of Object.entries(ROUTES) as [string, Route][]) {
    const path = `${API_PREFIX}${route.path.replace(/:(\w+)/g, '{$1}')}`
    describeOperation(objectAt(objectAt(paths, path), route.method.toLowerCase()), name, route)
  }
  nameAnyJson(document)
  keepReferred(document)
  return document
}

function describeOperation(operation: JsonObject, name: string, { body, response }: Route): void {
  operation.operationId = name
  if (body === 'bytes') operation.requestBody = { required: true, content: BYTES }
  const responses = objectAt(operation, 'responses')
  if (response === 'bytes') {
    responses['200'] = { description: 'the bytes', content: BYTES }
    responses['206'] = { description: 'the range that was asked for', content: BYTES }
  }
  if (response === 'events') {
    responses['200'] = { description: 'a stream of messages', content: MESSAGES }
  }
  if (response === 'nothing') responses['204'] = { description: 'done' }
  for (const [status, value] of Object.entries(responses)) {
    const described = value as JsonObject
    if (status === 'default') {
      described.description = 'refused, and why'
      const { 'application/json': schema } = objectAt(described, 'content')
      described.content = { 'application/problem+json': schema }
    } else if (described.description === 'Default Response') {
      described.description = 'done'
    }
  }
}

/** Where any JSON may stand, the generator refers to a definition within a schema; it gets a name of its own. */
function nameAnyJson(document: JsonObject): void {
  const schemas = objectAt(objectAt(document, 'components'), 'schemas')
  const shared = schemas.__shared as JsonObject | undefined
  if (!shared) return
  delete schemas.__shared
  for (const [name, schema] of Object.entries(objectAt(shared, '$defs'))) {
    const ownName = name === 'schema0' ? 'Json' : name
    schemas[ownName] = schema
    renameReferences(document, `${SCHEMAS}__shared#/$defs/${name}`, `${SCHEMAS}${ownName}`)
  }
}

/** Schemas nobody refers to go; those taken in keep the plain name where nothing else has it. */
function keepReferred(document: JsonObject): void {
  const components = objectAt(document, 'components')
  const schemas = objectAt(components, 'schemas')
  const kept = new Set<string>()
  const visit = (value: Json | undefined): void => {
    for (const reference of referencesIn(value)) {
      const name = reference.slice(SCHEMAS.length)
      if (kept.has(name)) continue
      kept.add(name)
      visit(schemas[name])
    }
  }
  visit(document.paths)
  components.schemas = Object.fromEntries(
    Object.entries(schemas).filter(([name]) => kept.has(name)),
  )
  for (const name of kept) {
    const plain = name.replace(/Input$/, '')
    if (plain === name || kept.has(plain)) continue
    const left = objectAt(components, 'schemas')
    left[plain] = left[name]
    delete left[name]
    renameReferences(document, `${SCHEMAS}${name}`, `${SCHEMAS}${plain}`)
  }
}

function* referencesIn(value: Json | undefined): Iterable<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$ref') yield String(inner)
    else yield* referencesIn(inner)
  }
}

function renameReferences(value: Json | undefined, from: string, to: string): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value) && value.$ref === from) value.$ref = to
  for (const inner of Object.values(value)) renameReferences(inner, from, to)
}

const objectAt = (of: JsonObject, key: string): JsonObject => (of[key] ?? {}) as JsonObject
