/** The library's findings in plain words. */
import type { Vocabulary } from './compile.ts'

/** What is wrong, and from where to where in the text, counted from 0. */
export interface Fault {
  readonly message: string
  readonly start: number
  readonly end: number
  readonly isTooLarge?: boolean
}

interface Finding {
  readonly code?: string
  readonly summary?: string
  readonly range?: { readonly start: number; readonly end: number }
}

export function faultOf(error: unknown, text: string, vocabulary: Vocabulary): Fault {
  const { code = '', summary = String(error), range } = error as Finding
  const start = Math.min(range?.start ?? 0, text.length)
  const end = Math.max(range?.end ?? text.length, start)
  const place = { start, end }
  if (code === 'limit_exceeded') {
    return { message: 'it holds more than can be looked at', ...place, isTooLarge: true }
  }
  const found = text.slice(start, end)
  if (code === 'unknown_variable') return { message: unknownName(found, vocabulary), ...place }
  return { message: wording(code, summary, found, start >= text.length), ...place }
}

function unknownName(found: string, { variables, hint }: Vocabulary): string {
  const names = Object.keys(variables).join(', ')
  return `nothing is called "${found}"${hint ? `; ${hint(found)}` : ''}; there are ${names}`
}

function wording(code: string, summary: string, found: string, isAtEnd: boolean): string {
  const quoted = `"${found}"`
  switch (code) {
    case 'unexpected_token':
    case 'expected_token': {
      const wanted = TOKENS[/^Expected (\w+)/.exec(summary)?.[1] ?? '']
      if (isAtEnd)
        return wanted ? `${wanted} is missing at the end` : 'something is missing at the end'
      return wanted ? `${wanted} is expected, not ${quoted}` : `${quoted} is not expected here`
    }
    case 'unexpected_character':
      return CHARACTERS[found] ?? `${quoted} is not expected here`
    case 'unterminated_string':
    case 'unterminated_triple_quoted_string':
      return 'the closing quote of this text is missing'
    case 'newline_in_string':
      return 'a text ends in the line in which it began'
    case 'reserved_identifier':
      return `${quoted} is a word that may not be used`
    case 'no_such_overload':
      return overload(summary)
    case 'no_matching_overload':
      return `${calledName(summary)} is called with ${calledTypes(summary)}, which it does not take`
    case 'cannot_index_type':
      return `${typeName(/'(.*)'/.exec(summary)?.[1] ?? '')} has no parts to be asked for`
    case 'invalid_logical_operand':
      return `both sides of && and || say yes or no, and this is ${typeName(/got '(.*)'/.exec(summary)?.[1] ?? '')}`
    case 'invalid_condition_type':
      return `a condition says yes or no, and this is ${typeName(/got '(.*)'/.exec(summary)?.[1] ?? '')}`
    case 'heterogeneous_list_element':
      return 'what stands in a list is all of one type'
    case 'incompatible_ternary_branches':
      return 'both results of ?: are of one type'
    default:
      return summary.charAt(0).toLowerCase() + summary.slice(1).split('\n')[0]
  }
}

const TOKENS: Readonly<Record<string, string>> = {
  RPAREN: '")"',
  RBRACKET: '"]"',
  RBRACE: '"}"',
  COLON: '":"',
  IDENTIFIER: 'a name',
}

const CHARACTERS: Readonly<Record<string, string>> = {
  '=': '"=" compares nothing; write == for "is equal to"',
  '&': '"&" joins nothing; write && for "and"',
  '|': '"|" joins nothing; write || for "or"',
}

function overload(summary: string): string {
  const found = /^no such overload: (.+) (==|!=|<=?|>=?|in|[-+*/%]) (.+)$/.exec(summary)
  const [, left = '', operator = '', right = ''] = found ?? []
  if (!found) return 'this cannot be turned round'
  const [a, b] = [typeName(left), typeName(right)]
  if (operator === 'in') return `${a} cannot be looked for in ${b}`
  if (/^[-+*/%]$/.test(operator)) return `${a} and ${b} cannot be reckoned with ${operator}`
  return `${a} cannot be compared with ${b}`
}

const calledName = (summary: string) => /'(?:.*\.)?(\w+)\(/.exec(summary)?.[1] ?? 'the function'
const calledTypes = (summary: string) => {
  const types = /\((.*)\)'/.exec(summary)?.[1]
  return types ? types.split(', ').map(typeName).join(' and ') : 'nothing'
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  int: 'a whole number',
  double: 'a number',
  bool: 'yes or no',
  null: 'null',
  bytes: 'bytes',
  dyn: 'a fact',
  'google.protobuf.Timestamp': 'a moment',
  'google.protobuf.Duration': 'a duration',
}

/** A type as a person would call it. */
export function typeName(type: string): string {
  const bare = type.replace(/^dyn<(.*)>$/, '$1')
  if (bare.startsWith('list')) return 'a list'
  if (bare.startsWith('map')) return 'a map'
  return TYPES[bare] ?? bare
}
