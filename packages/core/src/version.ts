import { remembered } from './remembered.ts'

/**
 * Versions as SemVer 2.0 has them. A version that is no SemVer (devices say "v0", "13" or "2024-05 beta") is
 * kept as it is: it equals only itself and is never ordered.
 */
export interface SemVer {
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  /** Dot-separated pre-release identifiers; empty for a release proper. */
  readonly pre: readonly string[]
  readonly build: readonly string[]
}

const NUMBER = '(0|[1-9]\\d*)'
const PRE = '(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)'
const BUILD = '[0-9A-Za-z-]+'
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${PRE}(?:\\.${PRE})*))?(?:\\+(${BUILD}(?:\\.${BUILD})*))?$`,
)
const MAX_LENGTH = 255

/** The version read as SemVer 2.0, or undefined: "1.0", "v1.0.0" and "01.0.0" are none. */
export const parseVersion = (text: string): SemVer | undefined =>
  text.length > MAX_LENGTH ? undefined : parsed(text)

/** A fleet runs a few versions, and each is compared with at every check-in. */
const parsed = remembered(parse)

function parse(text: string): SemVer | undefined {
  const match = SEMVER.exec(text)
  if (!match) return undefined
  const [, major = '', minor = '', patch = '', pre, build] = match
  return {
    major: BigInt(major),
    minor: BigInt(minor),
    patch: BigInt(patch),
    pre: pre?.split('.') ?? [],
    build: build?.split('.') ?? [],
  }
}

/** Negative, zero or positive as SemVer 2.0 §11 orders them; build metadata does not count. */
export function compareSemVer(a: SemVer, b: SemVer): number {
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePre(a.pre, b.pre)
  )
}

/** How two version texts are ordered, or undefined when one of them is no SemVer and they differ. */
export function compareVersions(a: string, b: string): number | undefined {
  if (a === b) return 0
  const left = parseVersion(a)
  const right = parseVersion(b)
  return left && right ? compareSemVer(left, right) : undefined
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Math.sign(b.length) - Math.sign(a.length)
  for (const [index, left] of a.entries()) {
    const right = b[index]
    if (right === undefined) return 1
    const order = compareIdentifiers(left, right)
    if (order !== 0) return order
  }
  return a.length - b.length
}

function compareIdentifiers(a: string, b: string): number {
  const aIsNumber = /^\d+$/.test(a)
  const bIsNumber = /^\d+$/.test(b)
  if (aIsNumber && bIsNumber) return compareNumbers(BigInt(a), BigInt(b))
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1
  return a === b ? 0 : a < b ? -1 : 1
}

const compareNumbers = (a: bigint, b: bigint): number => (a === b ? 0 : a < b ? -1 : 1)
