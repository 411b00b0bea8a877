/**
 * hawkBit's queries, `q=name==pump-*;attribute.site==north`, as far as they can be asked here: read into a tree, and
 * said as an expression about devices. (RSQL: `;` and `and`, `,` and `or`, `==`, `!=`, `=in=`, `=out=`, `*` within
 * texts.)
 */
import { DomainError } from '@updraft/core'

export type Query =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Query[] }
  | {
      readonly kind: 'is'
      readonly field: string
      readonly values: readonly string[]
      readonly isNot: boolean
    }

const MAX_LENGTH = 4096
const MAX_DEPTH = 20
const OPERATORS: Readonly<Record<string, { isNot: boolean; isList: boolean }>> = {
  '==': { isNot: false, isList: false },
  '!=': { isNot: true, isList: false },
  '=in=': { isNot: false, isList: true },
  '=out=': { isNot: true, isList: true },
}
const TOKEN =
  /\s*(?:([();,])|(=[a-z]*=|!=|<=?|>=?|==)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"'();,<>=!~]+))/iy

interface Token {
  readonly kind: 'sign' | 'operator' | 'quoted' | 'word'
  readonly text: string
}

/** Refuses with request.malformed. */
export function readQuery(text: string): Query {
  if (text.length > MAX_LENGTH) throw fault(`is longer than ${MAX_LENGTH} characters`)
  const tokens = tokensOf(text)
  let at = 0
  const isSign = (sign: string) => tokens[at]?.kind === 'sign' && tokens[at]?.text === sign
  const isWord = (word: string) =>
    tokens[at]?.kind === 'word' && tokens[at]?.text.toLowerCase() === word
  const take = (sign: string) => {
    if (!isSign(sign)) throw fault(`has no "${sign}" where one is due`)
    at += 1
  }

  const value = (): string => {
    const token = tokens[at]
    if (token?.kind !== 'quoted' && token?.kind !== 'word') throw fault('ends where a value is due')
    at += 1
    return token.text
  }
  const comparison = (): Query => {
    const field = tokens[at]
    const sign = tokens[at + 1]
    if (field?.kind !== 'word' || sign?.kind !== 'operator') {
      throw fault('is not like name==value')
    }
    const operator = OPERATORS[sign.text.toLowerCase()]
    if (!operator) {
      throw fault(
        `compares by ${sign.text}; here one can ask by ${Object.keys(OPERATORS).join(' ')}`,
      )
    }
    at += 2
    const values: string[] = []
    if (operator.isList) {
      take('(')
      values.push(value())
      while (isSign(',')) {
        at += 1
        values.push(value())
      }
      take(')')
    } else {
      values.push(value())
    }
    return { kind: 'is', field: field.text, values, isNot: operator.isNot }
  }
  const one = (depth: number): Query => {
    if (depth > MAX_DEPTH) throw fault('has too many brackets')
    if (!isSign('(')) return comparison()
    at += 1
    const inside = any(depth + 1)
    take(')')
    return inside
  }
  const all = (depth: number): Query => {
    const parts = [one(depth)]
    while (isSign(';') || isWord('and')) {
      at += 1
      parts.push(one(depth))
    }
    return joined('and', parts)
  }
  const any = (depth: number): Query => {
    const parts = [all(depth)]
    while (isSign(',') || isWord('or')) {
      at += 1
      parts.push(all(depth))
    }
    return joined('or', parts)
  }

  const query = any(0)
  if (at < tokens.length) throw fault(`goes on with "${tokens[at]?.text}"`)
  return query
}

const joined = (kind: 'and' | 'or', parts: readonly Query[]): Query => {
  const [only] = parts
  return only && parts.length === 1 ? only : { kind, parts }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  let end = 0
  while (text.slice(end).trim() !== '') {
    TOKEN.lastIndex = end
    const found = TOKEN.exec(text)
    if (!found) throw fault(`cannot be read from "${text.slice(end, end + 20).trim()}" on`)
    end = TOKEN.lastIndex
    const [, sign, operator, double, single, word] = found
    const quoted = double ?? single
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
    else if (operator !== undefined) tokens.push({ kind: 'operator', text: operator })
    else if (quoted !== undefined) {
      tokens.push({ kind: 'quoted', text: quoted.replace(/\\(.)/g, '$1') })
    } else tokens.push({ kind: 'word', text: word ?? '' })
  }
  if (tokens.length === 0) throw fault('is empty')
  return tokens
}

/** As an expression about devices. Refuses with request.malformed a field that cannot be asked. */
export function expressionOf(query: Query): string {
  if (query.kind !== 'is') {
    const sign = query.kind === 'and' ? ' && ' : ' || '
    return `(${query.parts.map(expressionOf).join(sign)})`
  }
  const { field, values, isNot } = query
  const each = values.map((value) => equals(operandOf(field), value))
  const holds = `(${each.join(' || ')})`
  return isNot ? `!${holds}` : holds
}

const NAMES = ['controllerid', 'id', 'name']

function operandOf(field: string): string {
  if (NAMES.includes(field.toLowerCase())) return 'name'
  const [, key] = /^(?:attribute|controllerattributes)\.(.+)$/i.exec(field) ?? []
  if (key !== undefined) return `string(inventory.attributes[${JSON.stringify(key)}])`
  throw fault(`asks for ${field}; here one can ask for controllerId, name and attribute.KEY`)
}

const equals = (operand: string, value: string): string =>
  value.includes('*')
    ? `glob(${operand}, ${JSON.stringify(value)})`
    : `${operand} == ${JSON.stringify(value)}`

/** What is asked of a list of things that are named: which fields are exactly what. Refuses with request.malformed. */
export function exactly<Field extends string>(
  query: Query,
  fields: readonly Field[],
): Partial<Record<Field, string>> {
  const parts = query.kind === 'and' ? query.parts : [query]
  const found: Partial<Record<Field, string>> = {}
  for (const part of parts) {
    const field =
      part.kind === 'is'
        ? fields.find((each) => each.toLowerCase() === part.field.toLowerCase())
        : undefined
    const [value] = part.kind === 'is' ? part.values : []
    if (part.kind !== 'is' || !field || part.isNot || part.values.length > 1 || !value) {
      throw fault(`asks more than ${fields.map((each) => `${each}==…`).join(';')}`)
    }
    if (value.includes('*')) throw fault('has a * where only whole texts are compared')
    found[field] = value
  }
  return found
}

const fault = (what: string) => new DomainError('request.malformed', `The query q ${what}.`)
