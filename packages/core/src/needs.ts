/**
 * What other components have to run for a release: by type, as requirements. Parts of a box are numbered as their makers
 * like it, `24.10` or `17.0#1a2b3c4`: here two numbers do, leading noughts are none, and what follows them does not count.
 */
import { COMPONENT_TYPE_PATTERN, type ComponentType, type Installed, nameOf } from './component.ts'
import { DomainError } from './errors.ts'
import { type Reason, reason } from './reason.ts'
import { remembered } from './remembered.ts'
import { parseRequirement, type Requirement, satisfies } from './requirement.ts'

export type Needs = Readonly<Record<ComponentType, string>>

const MAX_NEEDS = 16
const MAX_LENGTH = 1024

/** Refuses with release.invalid or version.invalid-requirement. */
export function checkedNeeds(type: ComponentType, needs: Needs): Needs {
  const entries = Object.entries(needs)
  if (entries.length > MAX_NEEDS) {
    throw invalid(`A release needs at most ${MAX_NEEDS} other components.`)
  }
  const checked = entries.map(([other, text]) => {
    if (!COMPONENT_TYPE_PATTERN.test(other)) {
      throw invalid(`"${other.slice(0, 80)}" is not a component type, such as image.`)
    }
    if (other === type) {
      throw invalid(`What ${type} it may start from is said by its requirement.`)
    }
    const wanted = text.trim()
    if (wanted.length > MAX_LENGTH) {
      throw invalid(`What it needs of ${other} is longer than ${MAX_LENGTH} characters.`)
    }
    needOf(wanted)
    return [other, wanted] as const
  })
  return Object.fromEntries(checked.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Why the release must not go where that runs, or not yet; null if nothing is missing. */
export function unmetNeed(
  release: { readonly title: string; readonly version: string; readonly needs: Needs },
  runs: Readonly<Record<ComponentType, Installed>>,
): Reason | null {
  for (const [type, wanted] of Object.entries(release.needs)) {
    const version = runs[type]?.version
    const name = `${nameOf(release)} needs ${type} ${wanted}`
    if (!version) {
      return reason('nothing.needs-unknown', `${name}; the device has not told which it has.`)
    }
    if (!meetsNeed(version, wanted)) {
      return reason('nothing.needs', `${name}; the device has ${version}.`)
    }
  }
  return null
}

/** Whether a version is what is needed. Refuses with version.invalid-requirement. */
export const meetsNeed = (version: string, wanted: string): boolean =>
  satisfies(numbersOf(version), needOf(wanted))

/** Two numbers count as three; a version that is of another form stays as it is. */
const numbersOf = remembered((version: string): string => {
  const [, major, minor] = /^(?:saas[~-])?(\d+)\.(\d+)(?![.\d])/.exec(version) ?? []
  return major === undefined ? version : `${BigInt(major)}.${BigInt(minor ?? 0)}.0`
})

const needOf = remembered(
  (text: string): Requirement =>
    parseRequirement(
      text.replace(/(~> *)?(?<![.\d])(\d+)\.(\d+)(?= |$)/g, (_, tilde = '', major, minor) =>
        [tilde, BigInt(major), '.', BigInt(minor), tilde === '' ? '.0' : ''].join(''),
      ),
    ),
)

const invalid = (message: string) => new DomainError('release.invalid', message)
