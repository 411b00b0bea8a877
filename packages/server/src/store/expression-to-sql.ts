/**
 * An expression as a WHERE over a fleet. SQL's null is "undecided": CEL's `&&`, `||`, `!` and `?:` treat an error as
 * SQL's `and`, `or`, `not` and `case` treat a null, so that the one is the other, and only what is true counts.
 * expression-to-sql.test.ts holds this against core's evaluation.
 *
 * What SQL has no words for is asked in other ways: a part that looks at one fact of which the fleet knows few values
 * (what is installed, labels, profiles …) is evaluated once for each value; anything else is left to be evaluated
 * device by device, among those that the rest of the expression leaves.
 */
import {
  type Comparison,
  evaluate,
  type Literal,
  MAX_MATCHED_LENGTH,
  type Outcome,
  type Program,
  partsOf,
  type Tree,
  type Values,
} from '@updraft/core/expression'
import { type RawBuilder, sql } from 'kysely'
import {
  COLUMNS,
  type Fact,
  FEW_VALUED,
  type FewValued,
  installedText,
  isInstalled,
} from './expression-columns.ts'

type Bool = RawBuilder<boolean>

/** Which devices an expression can hold for. */
export interface Narrowing {
  readonly where: Bool
  /** Why those that are found are still to be asked one by one; null when they need not be. */
  readonly asks: NotInSql | null
}

/** A part that SQL has no words for, and why. */
export interface NotInSql {
  readonly part: Tree
  readonly because:
    | 'an element of a list in a fact'
    | 'a function of a fact that differs from device to device'
    | 'a comparison of two facts'
    | 'a comparison that the database would answer otherwise'
    | 'a question about each element'
    | 'too many values in the fleet'
    | 'a calculation with a fact'
}

/** All values of such a fact in the fleet; null when they are many. */
export type AllValues = (of: FewValued) => Promise<readonly string[] | null>

/** `now` is the moment that `now()` is. */
export async function expressionToSql(
  { tree }: Program,
  { now, allValues }: { now: Date; allValues: AllValues },
): Promise<Narrowing> {
  return narrow(tree, { now, allValues })
}

interface Asking {
  readonly now: Date
  readonly allValues: AllValues
}

class Unspoken extends Error {
  readonly what: NotInSql

  constructor(part: Tree, because: NotInSql['because']) {
    super(because)
    this.what = { part, because }
  }
}

const TRUE = sql<boolean>`true`
const UNDECIDED = sql<boolean>`null::boolean`

/** Nothing the tree can hold for is left out. */
async function narrow(tree: Tree, asking: Asking): Promise<Narrowing> {
  try {
    return { where: await bool(tree, asking), asks: null }
  } catch (error) {
    if (!(error instanceof Unspoken)) throw error
    if (tree.kind !== 'and' && tree.kind !== 'or') return { where: TRUE, asks: error.what }
    const left = await narrow(tree.left, asking)
    const right = await narrow(tree.right, asking)
    return { where: joined(tree.kind, left.where, right.where), asks: left.asks ?? right.asks }
  }
}

const joined = (by: 'and' | 'or', left: Bool, right: Bool): Bool =>
  by === 'and' ? sql`(${left} and ${right})` : sql`(${left} or ${right})`

/** True, false, or null for undecided. Throws Unspoken. */
async function bool(tree: Tree, asking: Asking): Promise<Bool> {
  if (isConstant(tree)) return boolOf(evaluate(tree, { now: asking.now }))
  switch (tree.kind) {
    case 'and':
    case 'or':
      return joined(tree.kind, await bool(tree.left, asking), await bool(tree.right, asking))
    case 'not':
      return sql`(not ${await bool(tree.of, asking)})`
    case 'choose': {
      const condition = await bool(tree.condition, asking)
      const yes = await bool(tree.yes, asking)
      const no = await bool(tree.no, asking)
      return sql`(case when ${condition} then ${yes} when not ${condition} then ${no} end)`
    }
    default:
      try {
        return plain(tree, asking)
      } catch (error) {
        if (!(error instanceof Unspoken)) throw error
        return byValues(tree, asking, error)
      }
  }
}

function boolOf(outcome: Outcome): Bool {
  const isDecided = 'value' in outcome && typeof outcome.value === 'boolean'
  return isDecided ? sql`${sql.lit(outcome.value as boolean)}` : UNDECIDED
}

function plain(tree: Tree, asking: Asking): Bool {
  switch (tree.kind) {
    case 'compare':
      return compare(tree, asking)
    case 'in':
      return membership(tree, asking)
    case 'has':
      return presence(tree, asking)
    case 'call':
      return textCall(tree)
    default: {
      const fact = factOf(tree)
      if (fact.type === 'bool') return fact.sql
      if (fact.type !== 'json') return UNDECIDED
      return sql`(case when jsonb_typeof(${fact.sql}) = 'boolean' then (${fact.sql})::boolean end)`
    }
  }
}

/** Whether no fact is in it, so that it is the same for every device. */
const isConstant = (tree: Tree): boolean =>
  tree.kind === 'variable' ? tree.name === 'now' : partsOf(tree).every(isConstant)

// Values

function factOf(tree: Tree): Fact {
  switch (tree.kind) {
    case 'variable': {
      const fact = Object.hasOwn(COLUMNS, tree.name) && COLUMNS[tree.name as keyof typeof COLUMNS]
      if (fact) return fact
      throw new Unspoken(tree, 'a question about each element')
    }
    case 'field': {
      const installed = installedPart(tree)
      if (installed) return { type: 'text', sql: installedText(installed.type, installed.field) }
      const of = factOf(tree.of)
      if (of.type !== 'json') throw new Unspoken(tree, 'a comparison of two facts')
      return { type: 'json', sql: sql`(${of.sql} -> ${keepable(tree, tree.key)}::text)` }
    }
    case 'element':
      throw new Unspoken(tree, 'an element of a list in a fact')
    case 'call': {
      const version = versionPart(tree)
      if (version) {
        const text = installedText(version.type, 'version')
        return { type: 'text', sql: sql`coalesce(${text}, '')` }
      }
      const [first] = tree.args
      const of = tree.name === 'size' && first && factOf(first)
      if (!of) throw new Unspoken(tree, 'a function of a fact that differs from device to device')
      if (of.type === 'texts') return { type: 'int', sql: sql`cardinality(${of.sql})` }
      if (of.type === 'text') return { type: 'int', sql: sql`char_length(${of.sql})` }
      throw new Unspoken(tree, 'a function of a fact that differs from device to device')
    }
    case 'minus':
    case 'reckon':
      throw new Unspoken(tree, 'a calculation with a fact')
    case 'each':
      throw new Unspoken(tree, 'a question about each element')
    default:
      throw new Unspoken(tree, 'a function of a fact that differs from device to device')
  }
}

/** `installed.firmware.version` */
function installedPart(tree: Tree): { type: string; field: 'title' | 'version' } | undefined {
  if (tree.kind !== 'field' || tree.of.kind !== 'field') return undefined
  const { of } = tree.of
  if (of.kind !== 'variable' || of.name !== 'installed') return undefined
  if (tree.key !== 'title' && tree.key !== 'version') return undefined
  return { type: keepable(tree, tree.of.key), field: tree.key }
}

/** `versionOf(installed, "firmware")`: as above, and "" where that is not told. */
function versionPart(tree: Tree): { type: string; field: 'version' } | undefined {
  if (tree.kind !== 'call' || tree.name !== 'versionOf') return undefined
  const [of, type] = tree.args
  if (of?.kind !== 'variable' || of.name !== 'installed' || type?.kind !== 'literal')
    return undefined
  if (typeof type.value !== 'string') return undefined
  return { type: keepable(tree, type.value), field: 'version' }
}

/** PostgreSQL has no text with NUL in it; there is no device with one either. */
function keepable(part: Tree, text: string): string {
  if (!text.includes('\0')) return text
  throw new Unspoken(part, 'a comparison that the database would answer otherwise')
}

type Constant = Literal | Date
const NONE = Symbol('undecided')

/** The value of a tree without facts; `NONE` when it has none, undefined when there are facts in it. */
function constantOf(tree: Tree, { now }: Asking): Constant | typeof NONE | undefined {
  if (!isConstant(tree)) return undefined
  const outcome = evaluate(tree, { now })
  if (!('value' in outcome)) return NONE
  const { value } = outcome
  if (value === null || value instanceof Date || typeof value !== 'object') return value as Constant
  throw new Unspoken(tree, 'a comparison that the database would answer otherwise')
}

/** As JSON text; whole numbers as far as JavaScript has them exactly. */
function jsonOf(part: Tree, value: Literal): string {
  if (typeof value === 'string') keepable(part, value)
  if (typeof value !== 'bigint') return JSON.stringify(value)
  if (Number.isSafeInteger(Number(value))) return String(value)
  throw new Unspoken(part, 'a comparison that the database would answer otherwise')
}

// Comparisons

const FLIPPED: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}
const SQL_OPERATORS: Readonly<Record<Comparison, RawBuilder<unknown>>> = {
  '==': sql`=`,
  '!=': sql`<>`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
}

function compare(tree: Tree & { kind: 'compare' }, asking: Asking): Bool {
  const right = constantOf(tree.right, asking)
  if (right !== undefined) return compareWith(tree, factOf(tree.left), tree.by, right)
  const left = constantOf(tree.left, asking)
  if (left !== undefined) return compareWith(tree, factOf(tree.right), FLIPPED[tree.by], left)
  const [a, b] = [factOf(tree.left), factOf(tree.right)]
  const isEquality = tree.by === '==' || tree.by === '!='
  if (isEquality && a.type === 'text' && b.type === 'text') {
    return sql`(${a.sql} ${SQL_OPERATORS[tree.by]} ${b.sql})`
  }
  throw new Unspoken(tree, 'a comparison of two facts')
}

function compareWith(tree: Tree, fact: Fact, by: Comparison, value: Constant | typeof NONE): Bool {
  if (value === NONE) return UNDECIDED
  const operator = SQL_OPERATORS[by]
  const isEquality = by === '==' || by === '!='
  const otherwise = () =>
    new Unspoken(tree, 'a comparison that the database would answer otherwise')
  switch (fact.type) {
    case 'text':
      if (typeof value !== 'string') throw otherwise()
      return compareText(tree, fact.sql, by, value)
    case 'time':
      if (!(value instanceof Date)) throw otherwise()
      return sql`(${fact.sql} ${operator} ${value}::timestamptz)`
    case 'int':
      if (typeof value !== 'bigint' && typeof value !== 'number') throw otherwise()
      return sql`(${fact.sql} ${operator} ${String(value)}::numeric)`
    case 'bool':
      if (typeof value !== 'boolean' || !isEquality) throw otherwise()
      return sql`(${fact.sql} ${operator} ${sql.lit(value)})`
    case 'texts':
      throw otherwise()
    case 'json':
      if (value instanceof Date) throw otherwise()
      if (isEquality) return sql`(${fact.sql} ${operator} ${jsonOf(tree, value)}::jsonb)`
      if (typeof value === 'number' || typeof value === 'bigint') {
        const number = jsonOf(tree, value)
        return sql`(case when jsonb_typeof(${fact.sql}) = 'number'
          then (${fact.sql})::numeric ${operator} ${number}::numeric end)`
      }
      if (typeof value === 'string') return compareText(tree, jsonText(fact.sql), by, value)
      throw otherwise()
  }
}

/** Ordered by characters' numbers, as JavaScript does; it counts those above U+D7FF otherwise. */
function compareText(tree: Tree, text: RawBuilder<unknown>, by: Comparison, value: string): Bool {
  keepable(tree, value)
  if (by === '==' || by === '!=') return sql`(${text} ${SQL_OPERATORS[by]} ${value}::text)`
  if (/[\ud800-\uffff]/.test(value)) {
    throw new Unspoken(tree, 'a comparison that the database would answer otherwise')
  }
  return sql`(${text} collate "C" ${SQL_OPERATORS[by]} ${value}::text)`
}

/** Null when it is no text. */
const jsonText = (json: RawBuilder<unknown>): RawBuilder<string> =>
  sql`(case when jsonb_typeof(${json}) = 'string' then ${json} #>> '{}' end)`

// What is in what

function membership(tree: Tree & { kind: 'in' }, asking: Asking): Bool {
  if (tree.right.kind === 'list') return among(tree, tree.right.items, asking)
  const value = constantOf(tree.left, asking)
  if (value === NONE) return UNDECIDED
  if (value === undefined || value instanceof Date) {
    throw new Unspoken(tree, 'a comparison of two facts')
  }
  if (tree.right.kind === 'variable' && tree.right.name === 'installed') {
    if (typeof value !== 'string') return UNDECIDED
    return isInstalled(keepable(tree, value))
  }
  const fact = factOf(tree.right)
  if (fact.type === 'texts' && typeof value === 'string') {
    // Containment, so that an index may serve.
    return sql`(${fact.sql} @> array[${keepable(tree, value)}]::text[])`
  }
  if (fact.type !== 'json' || typeof value !== 'string') {
    throw new Unspoken(tree, 'a comparison that the database would answer otherwise')
  }
  keepable(tree, value)
  return sql`(case jsonb_typeof(${fact.sql})
    when 'object' then (${fact.sql} -> ${value}::text) is not null
    when 'array' then ${fact.sql} @> ${JSON.stringify(value)}::jsonb end)`
}

function among(tree: Tree, items: readonly Tree[], asking: Asking): Bool {
  const left = (tree as Tree & { kind: 'in' }).left
  const fact = factOf(left)
  const values = items.map((item) => constantOf(item, asking))
  const texts = values.filter((value) => typeof value === 'string')
  if (values.length === 0 || texts.length < values.length) {
    const isMixed = values.some(
      (value) => value === undefined || value === NONE || value instanceof Date,
    )
    if (values.length === 0 || fact.type !== 'json' || isMixed) {
      throw new Unspoken(tree, 'a comparison that the database would answer otherwise')
    }
    const jsons = values.map((value) => jsonOf(tree, value as Literal))
    return sql`(${fact.sql} = any(${jsons}::jsonb[]))`
  }
  for (const text of texts) keepable(tree, text)
  if (fact.type === 'text') return sql`(${fact.sql} = any(${texts}::text[]))`
  if (fact.type !== 'json') throw new Unspoken(tree, 'a comparison of two facts')
  return sql`(${fact.sql} = any(${texts.map((text) => JSON.stringify(text))}::jsonb[]))`
}

function presence({ of, key }: Tree & { kind: 'has' }, _asking: Asking): Bool {
  if (of.kind === 'variable' && of.name === 'installed') return isInstalled(key)
  if (of.kind === 'field' && of.of.kind === 'variable' && of.of.name === 'installed') {
    const type = keepable(of, of.key)
    if (key !== 'title' && key !== 'version') {
      return sql`(case when ${isInstalled(type)} then false end)`
    }
    return sql`(case when ${isInstalled(type)} then ${installedText(type, key)} is not null end)`
  }
  const fact = factOf(of)
  if (fact.type !== 'json') throw new Unspoken(of, 'a comparison of two facts')
  return sql`(case when ${fact.sql} is not null
    then jsonb_typeof(${fact.sql}) = 'object' and (${fact.sql} -> ${key}::text) is not null end)`
}

// Functions of a text

const TEXT_TESTS: Readonly<Record<string, (text: RawBuilder<unknown>, value: string) => Bool>> = {
  startsWith: (text, value) => sql`starts_with(${text}, ${value}::text)`,
  endsWith: (text, value) => sql`(right(${text}, char_length(${value}::text)) = ${value}::text)`,
  contains: (text, value) => sql`(strpos(${text}, ${value}::text) > 0)`,
  glob: (text, form) => sql`(case when char_length(${text}) <= ${sql.lit(MAX_MATCHED_LENGTH)}
    then ${text} like ${likeOf(form)}::text end)`,
}

const likeOf = (form: string): string =>
  form
    .replace(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_')

function textCall(tree: Tree & { kind: 'call' }): Bool {
  const test = Object.hasOwn(TEXT_TESTS, tree.name) ? TEXT_TESTS[tree.name] : undefined
  const [of, value] = tree.args
  if (!test || !of || value?.kind !== 'literal' || typeof value.value !== 'string') {
    throw new Unspoken(tree, 'a function of a fact that differs from device to device')
  }
  const fact = factOf(of)
  if (fact.type === 'text') return test(fact.sql, keepable(tree, value.value))
  if (fact.type === 'json') return test(jsonText(fact.sql), keepable(tree, value.value))
  throw new Unspoken(tree, 'a function of a fact that differs from device to device')
}

// Asked of each value that a fleet knows

async function byValues(tree: Tree, asking: Asking, refused: Unspoken): Promise<Bool> {
  if (tree.kind === 'each') return byLabels(tree, asking, refused)
  const facts = new Map(fewValuedOf(tree).map((fact) => [JSON.stringify(fact), fact]))
  const [fact] = facts.values()
  if (!fact || facts.size > 1) throw refused
  const values = await asking.allValues(fact)
  if (!values) throw new Unspoken(tree, 'too many values in the fleet')
  const outcomes = sorted(values, (value) => evaluate(tree, valuesWith(fact, value, asking.now)))
  const column =
    fact.kind === 'installed' ? installedText(fact.type, fact.field) : COLUMNS[fact.name].sql
  const absent = boolOf(evaluate(tree, valuesWith(fact, undefined, asking.now)))
  return sql`(case when ${column} is null then ${absent}
    when ${column} = any(${outcomes.yes}::text[]) then true
    when ${column} = any(${outcomes.no}::text[]) then false end)`
}

/** `labels.exists(x, …)` and `labels.all(x, …)`, where nothing else is asked for. */
async function byLabels(
  tree: Tree & { kind: 'each' },
  asking: Asking,
  refused: Unspoken,
): Promise<Bool> {
  const { of, macro, variable, bodies } = tree
  const [body] = bodies
  const isOfLabels = of.kind === 'variable' && of.name === 'labels'
  if (!isOfLabels || !body || (macro !== 'exists' && macro !== 'all')) throw refused
  if (!variablesOf(body).every((name) => name === variable || name === 'now')) throw refused
  const values = await asking.allValues({ kind: 'label' })
  if (!values) throw new Unspoken(tree, 'too many values in the fleet')
  // With one label alone, the whole says what its body says of that label.
  const { yes, no, neither } = sorted(values, (label) =>
    evaluate(tree, { labels: [label], now: asking.now }),
  )
  const labels = COLUMNS.labels.sql
  const [deciding, isDecided] = macro === 'exists' ? [yes, sql`true`] : [no, sql`false`]
  return sql`(case when ${labels} && ${deciding}::text[] then ${isDecided}
    when ${labels} && ${neither}::text[] then null else not ${isDecided} end)`
}

function sorted(values: readonly string[], ask: (value: string) => Outcome) {
  const found = { yes: [] as string[], no: [] as string[], neither: [] as string[] }
  for (const value of values) {
    const outcome = ask(value)
    const said = 'value' in outcome ? outcome.value : undefined
    found[said === true ? 'yes' : said === false ? 'no' : 'neither'].push(value)
  }
  return found
}

type AskedOnce = Exclude<FewValued, { kind: 'label' }>

function valuesWith(fact: AskedOnce, value: string | undefined, now: Date): Values {
  if (fact.kind === 'variable') return { [fact.name]: value, now }
  const installed = value === undefined ? {} : { [fact.type]: { [fact.field]: value } }
  return { installed, now }
}

/** The facts a tree asks for, or nothing when one of them has many values. */
function fewValuedOf(tree: Tree): readonly AskedOnce[] {
  const facts: AskedOnce[] = []
  const isFew = (part: Tree): boolean => {
    const installed = installedPart(part) ?? versionPart(part)
    if (installed) facts.push({ kind: 'installed', ...installed })
    if (installed) return true
    if (part.kind !== 'variable') return partsOf(part).every(isFew)
    if (part.name === 'now') return true
    if (!Object.hasOwn(FEW_VALUED, part.name)) return false
    facts.push({ kind: 'variable', name: part.name as keyof typeof FEW_VALUED })
    return true
  }
  return isFew(tree) ? facts : []
}

const variablesOf = (tree: Tree): readonly string[] =>
  tree.kind === 'variable' ? [tree.name] : partsOf(tree).flatMap(variablesOf)
