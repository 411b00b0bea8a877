/**
 * What a release asks of a device that is to get it. Besides the facts of the device it may speak of the version there
 * is and of the release itself; all of that is said in the words every expression has, so that what is asked of one
 * device here can be asked of all of them in the store.
 */

import type { DomainError } from '../errors.ts'
import type { Asks, PolicyWarning } from '../policy.ts'
import type { ComponentType, Release } from '../release.ts'
import { remembered } from '../remembered.ts'
import { compareVersions, parseVersion } from '../version.ts'
import { compileIn, invalid, type Program, type Vocabulary } from './compile.ts'
import { evaluate, type Verdict, verdictOf } from './evaluate.ts'
import {
  type DeviceFacts,
  POLICY_LANGUAGE,
  POLICY_VARIABLES,
  VARIABLES,
  valuesOf,
} from './language.ts'
import { partsOf, rewritten, type Tree } from './tree.ts'

/** What an expression may speak of besides the device. */
export type Subject = Pick<Release, 'id' | 'type' | 'title' | 'version' | 'description'>

export interface PolicyProgram extends Program {
  readonly asks: Asks
  /** The facts of the device it asks for, by their names. */
  readonly needs: ReadonlySet<string>
}

/** What an empty policy means. */
const OLDER = 'semver(version, "<", newVersion)'

const WORDS: Vocabulary = {
  language: POLICY_LANGUAGE,
  variables: { ...VARIABLES, ...POLICY_VARIABLES },
  hint: (name) => `what a device says of itself is device.${name}`,
}

/** Refuses with expression.invalid or expression.too-large, as `compile` does; "" is every older device. */
export function compilePolicy(text: string, subject: Subject): PolicyProgram {
  const { id, type, title, version, description } = subject
  return compiled(JSON.stringify([text.trim(), id, type, title, version, description]))
}

export const asksOf = (text: string, subject: Subject): Asks => compilePolicy(text, subject).asks

/** Read once, however many devices ask. */
const compiled = remembered((key) => {
  const [text, id, type, title, version, description] = JSON.parse(key) as string[]
  return read(text as string, { id, type, title, version, description } as Subject)
})

function read(text: string, subject: Subject): PolicyProgram {
  const written = text === '' ? OLDER : text
  const own = compileIn(WORDS, written).tree
  const tree = spelledOut(own, subject, saidForAll(subject.type))
  if (variablesOf(tree).includes('update')) throw unknownOfRelease(written)
  // What is the same for all policies a device is asked is worked out for the first of them.
  const asked = spelledOut(own, subject, {})
  const asks: Asks =
    written === OLDER
      ? ({ device }) => isOlder(device.installed[subject.type]?.version ?? '', subject.version)
      : (facts, now) =>
          verdictOf(evaluate(asked, valuesAt(facts, subject.type, now), POLICY_LANGUAGE))
  return { text, tree, asks, needs: new Set(variablesOf(tree)) }
}

function isOlder(version: string, newVersion: string): Verdict {
  const order = compareVersions(version, newVersion)
  if (order !== undefined) return { holds: order < 0 }
  const because = version
    ? `"${version}" and "${newVersion}" have no order: not both are like 1.2.3.`
    : 'The device has not told its version.'
  return { holds: false, because }
}

interface Known {
  readonly now: Date
  readonly ofDevice: ReturnType<typeof valuesOf>
  readonly byType: Map<ComponentType, Readonly<Record<string, unknown>>>
}
const knownOf = new WeakMap<DeviceFacts, Known>()

/** Made once for all that is asked of a device in a visit. */
function valuesAt(
  facts: DeviceFacts,
  type: ComponentType,
  now: Date,
): Readonly<Record<string, unknown>> {
  let known = knownOf.get(facts)
  if (known?.now.getTime() !== now.getTime()) {
    known = { now, ofDevice: valuesOf(facts, now), byType: new Map() }
    knownOf.set(facts, known)
  }
  let values = known.byType.get(type)
  if (!values) {
    const version = facts.device.installed[type]?.version ?? ''
    const { major = 0n, minor = 0n, patch = 0n } = parseVersion(version) ?? {}
    values = { ...known.ofDevice, version, major, minor, patch }
    known.byType.set(type, values)
  }
  return values
}

type Said = Readonly<Record<string, Tree>>

/** What a policy alone has a word for, in the words every expression has. */
function saidForAll(type: ComponentType): Said {
  const call = (name: string, ...args: Tree[]): Tree => ({ kind: 'call', name, args })
  const version = versionOf(type)
  return {
    version,
    major: call('versionMajor', version),
    minor: call('versionMinor', version),
    patch: call('versionPatch', version),
  }
}

/** The tree with what is said of the release written out, and what is `said` otherwise. */
function spelledOut(tree: Tree, { id, title, version, description }: Subject, said: Said): Tree {
  const text = (value: string): Tree => ({ kind: 'literal', value })
  const ofRelease: Readonly<Record<string, string>> = {
    version,
    title,
    id,
    description: description ?? '',
  }
  const words: Said = {
    ...said,
    newVersion: text(version),
    device: { kind: 'variable', name: 'inventory' },
  }
  return rewritten(tree, (part) => {
    if (part.kind === 'variable') {
      return Object.hasOwn(words, part.name) ? words[part.name] : undefined
    }
    if (part.kind !== 'field' || part.of.kind !== 'variable') return undefined
    if (part.of.name === 'device' && part.key === 'version') {
      return said.version ?? { kind: 'variable', name: 'version' }
    }
    const isOfRelease = part.of.name === 'update' && Object.hasOwn(ofRelease, part.key)
    return isOfRelease ? text(ofRelease[part.key] as string) : undefined
  })
}

const OF_RELEASE = ['version', 'title', 'id', 'description']

function unknownOfRelease(text: string): DomainError {
  const found = new RegExp(`\\bupdate\\b(?!\\s*\\.\\s*(?:${OF_RELEASE.join('|')})\\b)`).exec(text)
  return invalid({
    message: `of a release there is update.${OF_RELEASE.join(', update.')}`,
    start: found?.index ?? 0,
    end: (found?.index ?? 0) + 'update'.length,
  })
}

/** The devices it holds for that do not run the release, whatever of it. */
export const newerOrOlder = (program: PolicyProgram, { type, version }: Subject): Program => ({
  text: program.text,
  tree: { kind: 'and', left: program.tree, right: runsOther(type, version) },
})

const runsOther = (type: ComponentType, version: string): Tree => ({
  kind: 'compare',
  by: '!=',
  left: versionOf(type),
  right: { kind: 'literal', value: version },
})

const versionOf = (type: ComponentType): Tree => ({
  kind: 'call',
  name: 'versionOf',
  args: [
    { kind: 'variable', name: 'installed' },
    { kind: 'literal', value: type },
  ],
})

const variablesOf = (tree: Tree): readonly string[] =>
  tree.kind === 'variable' ? [tree.name] : partsOf(tree).flatMap(variablesOf)

/** What may not be meant by a policy that can be used. */
export function policyWarnings(program: PolicyProgram, subject: Subject): PolicyWarning[] {
  const { version, type } = subject
  const isWritten = program.text !== '' && program.text !== OLDER
  if (!isWritten) {
    if (parseVersion(version)) return []
    const message = `"${version}" is no version like 1.2.3: no device is older, and nobody gets it without an expression.`
    return [{ code: 'policy.nobody', message }]
  }
  const newer = probesAbove(version, program.tree)
  const answers = newer.map((probe) => ({ probe, outcome: asIf(program.tree, type, probe) }))
  const holding = answers.find(({ outcome }) => 'value' in outcome && outcome.value === true)
  if (holding) {
    const message = `It holds for a device that runs ${holding.probe}, which is newer: the device would be taken back to ${version}.`
    return [{ code: 'policy.may-downgrade', message }]
  }
  const isOpen = answers.some(({ outcome }) => 'undecided' in outcome)
  if (!isOpen) return []
  const message = `It may hold for a device that runs something newer than ${version}; add && semver(version, "<", newVersion) unless a downgrade is meant.`
  return [{ code: 'policy.may-downgrade', message }]
}

const asIf = (tree: Tree, type: ComponentType, version: string) =>
  evaluate(tree, { installed: { [type]: { version } } })

/**
 * Some versions above that one: the next ones, far ones, those that come before it where versions are compared as
 * texts, and those the expression speaks of itself.
 */
function probesAbove(version: string, tree: Tree): readonly string[] {
  const from = parseVersion(version)
  if (!from) return []
  const { major, minor, patch } = from
  const probes = [
    `${major}.${minor}.${patch + 1n}`,
    `${major}.${minor + 1n}.0`,
    `${major + 1n}.0.0`,
    `${major + 1000n}.0.0`,
    `${longer(major)}.0.0`,
    `${major}.${longer(minor)}.0`,
    `${major}.${minor}.${longer(patch)}`,
    ...textsOf(tree),
  ]
  return probes.filter((probe) => (compareVersions(probe, version) ?? 0) > 0)
}

/** The first number with a digit more. */
const longer = (number: bigint): bigint => 10n ** BigInt(String(number).length)

const textsOf = (tree: Tree): readonly string[] =>
  tree.kind === 'literal' && typeof tree.value === 'string'
    ? [tree.value]
    : partsOf(tree).flatMap(textsOf)
