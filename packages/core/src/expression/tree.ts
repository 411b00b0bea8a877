/** An expression as a tree of our own, so that other rooms can read it without the library that parsed it. */

export type Literal = string | number | bigint | boolean | null
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='
export type Arithmetic = '+' | '-' | '*' | '/' | '%'
export type EachMacro = 'exists' | 'all' | 'exists_one' | 'filter' | 'map'

export type Tree =
  | { readonly kind: 'literal'; readonly value: Literal }
  | { readonly kind: 'variable'; readonly name: string }
  /** `of.key`, or `of["key"]`. */
  | { readonly kind: 'field'; readonly of: Tree; readonly key: string }
  | { readonly kind: 'element'; readonly of: Tree; readonly at: Tree }
  | { readonly kind: 'has'; readonly of: Tree; readonly key: string }
  /** Methods too; what they are called on is their first argument. */
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Tree[] }
  | { readonly kind: 'compare'; readonly by: Comparison; readonly left: Tree; readonly right: Tree }
  | { readonly kind: 'in'; readonly left: Tree; readonly right: Tree }
  | { readonly kind: 'and' | 'or'; readonly left: Tree; readonly right: Tree }
  | { readonly kind: 'not' | 'minus'; readonly of: Tree }
  | { readonly kind: 'reckon'; readonly by: Arithmetic; readonly left: Tree; readonly right: Tree }
  | { readonly kind: 'choose'; readonly condition: Tree; readonly yes: Tree; readonly no: Tree }
  | { readonly kind: 'list'; readonly items: readonly Tree[] }
  | {
      readonly kind: 'each'
      readonly macro: EachMacro
      readonly of: Tree
      readonly variable: string
      /** One, or two for a `map` that filters first. */
      readonly bodies: readonly Tree[]
    }

/** The trees right below. */
export function partsOf(tree: Tree): readonly Tree[] {
  switch (tree.kind) {
    case 'literal':
    case 'variable':
      return []
    case 'field':
    case 'has':
    case 'not':
    case 'minus':
      return [tree.of]
    case 'element':
      return [tree.of, tree.at]
    case 'call':
      return tree.args
    case 'compare':
    case 'in':
    case 'and':
    case 'or':
    case 'reckon':
      return [tree.left, tree.right]
    case 'choose':
      return [tree.condition, tree.yes, tree.no]
    case 'list':
      return tree.items
    case 'each':
      return [tree.of, ...tree.bodies]
  }
}

/** The tree with some of its parts, the whole of it too, said otherwise; `undefined` leaves a part as it is. */
export function rewritten(tree: Tree, say: (part: Tree) => Tree | undefined): Tree {
  const said = say(tree)
  if (said) return said
  const below = (part: Tree): Tree => rewritten(part, say)
  switch (tree.kind) {
    case 'literal':
    case 'variable':
      return tree
    case 'field':
    case 'has':
    case 'not':
    case 'minus':
      return { ...tree, of: below(tree.of) }
    case 'element':
      return { ...tree, of: below(tree.of), at: below(tree.at) }
    case 'call':
      return { ...tree, args: tree.args.map(below) }
    case 'compare':
    case 'in':
    case 'and':
    case 'or':
    case 'reckon':
      return { ...tree, left: below(tree.left), right: below(tree.right) }
    case 'choose':
      return {
        ...tree,
        condition: below(tree.condition),
        yes: below(tree.yes),
        no: below(tree.no),
      }
    case 'list':
      return { ...tree, items: tree.items.map(below) }
    case 'each':
      return { ...tree, of: below(tree.of), bodies: tree.bodies.map(below) }
  }
}

/** The tree as text again, with all its brackets. */
export function textOf(tree: Tree): string {
  switch (tree.kind) {
    case 'literal':
      return literalText(tree.value)
    case 'variable':
      return tree.name
    case 'field':
      return IS_WORD.test(tree.key)
        ? `${textOf(tree.of)}.${tree.key}`
        : `${textOf(tree.of)}[${literalText(tree.key)}]`
    case 'has':
      return `has(${textOf(tree.of)}.${tree.key})`
    case 'element':
      return `${textOf(tree.of)}[${textOf(tree.at)}]`
    case 'call':
      return METHODS.has(tree.name)
        ? `${textOf(tree.args[0] as Tree)}.${tree.name}(${tree.args.slice(1).map(textOf)})`
        : `${tree.name}(${tree.args.map(textOf)})`
    case 'compare':
    case 'reckon':
      return `(${textOf(tree.left)} ${tree.by} ${textOf(tree.right)})`
    case 'in':
      return `(${textOf(tree.left)} in ${textOf(tree.right)})`
    case 'and':
      return `(${textOf(tree.left)} && ${textOf(tree.right)})`
    case 'or':
      return `(${textOf(tree.left)} || ${textOf(tree.right)})`
    case 'not':
      return `!${textOf(tree.of)}`
    case 'minus':
      return `(-${textOf(tree.of)})`
    case 'choose':
      return `(${textOf(tree.condition)} ? ${textOf(tree.yes)} : ${textOf(tree.no)})`
    case 'list':
      return `[${tree.items.map(textOf)}]`
    case 'each':
      return `${textOf(tree.of)}.${tree.macro}(${[tree.variable, ...tree.bodies.map(textOf)]})`
  }
}

/** A key that may stand behind a dot. */
const IS_WORD = /^(?!(?:true|false|null|in)$)[A-Za-z_]\w*$/

/** Functions that are written behind what they are asked of. */
export const METHODS: ReadonlySet<string> = new Set([
  'contains',
  'startsWith',
  'endsWith',
  'lowerAscii',
  'upperAscii',
  'trim',
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfWeek',
  'getHours',
  'getMinutes',
])

function literalText(value: Literal): string {
  if (typeof value === 'string') {
    // JSON's escapes are those of the language, but for the slash, which it leaves alone.
    return JSON.stringify(value)
  }
  if (typeof value === 'number') {
    const text = String(value)
    return /[.e]/.test(text) ? text : `${text}.0`
  }
  return String(value)
}
