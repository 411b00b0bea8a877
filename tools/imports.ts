// Reads what a source file takes from others: every import, as type or as value, and the few global
// things that some rooms may not touch. By a real parser, so comments and strings are never mistaken.

import { parseAst } from 'vitest/node'

export type Import = {
  readonly line: number
  /** What stands in the quotes; undefined where it is worked out at run time. */
  readonly specifier: string | undefined
  readonly isTypeOnly: boolean
  readonly isDynamic: boolean
}

/** A use of something global, such as `process.env` or `Date.now`. */
export type Use = { readonly line: number; readonly name: string }

export type Source = {
  /** From the root of the repository, with forward slashes. */
  readonly file: string
  readonly imports: readonly Import[]
  readonly uses: readonly Use[]
  /** Texts that stand alone in quotes; a library may be named so, for another to load. */
  readonly strings: ReadonlySet<string>
}

type Node = { readonly type: string; readonly start: number } & Record<string, unknown>

/** Reads one file; throws with the file's name where it is not TypeScript. */
export function readSource(file: string, text: string): Source {
  const imports: Import[] = []
  const uses: Use[] = []
  const strings = new Set<string>()
  const lineOf = (node: Node) => text.slice(0, node.start).split('\n').length

  const take = (node: Node, how: { isTypeOnly?: boolean; isDynamic?: boolean } = {}) => {
    const source = node.source as Node | null
    if (!source) return
    const specifier = typeof source.value === 'string' ? source.value : undefined
    const { isTypeOnly = false, isDynamic = false } = how
    imports.push({ line: lineOf(node), specifier, isTypeOnly, isDynamic })
  }

  const visit = (node: Node) => {
    switch (node.type) {
      case 'ImportDeclaration':
        take(node, { isTypeOnly: node.importKind === 'type' })
        break
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        take(node, { isTypeOnly: node.exportKind === 'type' })
        break
      case 'ImportExpression':
        take(node, { isDynamic: true })
        break
      case 'TSImportType':
        take(node, { isTypeOnly: true })
        break
      case 'TSExternalModuleReference':
        take({ ...node, source: node.expression })
        break
      case 'CallExpression': {
        const [first] = node.arguments as Node[]
        if (nameOf(node.callee as Node) === 'require' && typeof first?.value === 'string') {
          take({ ...node, source: first })
        }
        break
      }
      case 'Literal':
        if (typeof node.value === 'string') strings.add(node.value)
        break
    }
    for (const name of usedBy(node)) uses.push({ line: lineOf(node), name })
  }

  walk(parse(file, text), visit)
  return { file, imports, uses, strings }
}

function parse(file: string, text: string): Node {
  const lang = file.endsWith('x') ? 'tsx' : 'ts'
  try {
    return parseAst(text, { lang }, file) as unknown as Node
  } catch (cause) {
    throw new Error(`${file} cannot be read as TypeScript`, { cause })
  }
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, visit)
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

function nameOf(node: Node | undefined): string | undefined {
  return node?.type === 'Identifier' ? (node.name as string) : undefined
}

/** `a.b`, `a['b']` and `const { b } = a` are all a use of `a.b`; `new Date()` is one of the clock. */
function usedBy(node: Node): string[] {
  if (node.type === 'MemberExpression') {
    const object = nameOf(node.object as Node)
    const property = node.property as Node
    const name = node.computed ? property.value : nameOf(property)
    return object && typeof name === 'string' ? [`${object}.${name}`] : []
  }
  if (node.type === 'VariableDeclarator') {
    const object = nameOf(node.init as Node)
    const pattern = node.id as Node
    if (!object || pattern.type !== 'ObjectPattern') return []
    const keys = (pattern.properties as Node[]).map((each) => nameOf(each.key as Node))
    return keys.flatMap((key) => (key ? [`${object}.${key}`] : []))
  }
  if (node.type === 'NewExpression') {
    const isNow = nameOf(node.callee as Node) === 'Date' && (node.arguments as []).length === 0
    return isNow ? ['new Date()'] : []
  }
  if (node.type === 'CallExpression') {
    const name = nameOf(node.callee as Node)
    return name ? [`${name}()`] : []
  }
  return []
}
