/** What the expression of a policy may speak of, with examples: the help beside the field. */
import type { Example } from '../../parts/expression-input.tsx'

export interface Word {
  readonly write: string
  readonly means: string
}

/** `version` is what the device runs, if it was chosen to be spoken of. */
export const examplesFor = (newVersion: string): readonly Example[] => [
  ['Every older device', 'semver(version, "<", newVersion)'],
  ['Roll back to it', 'semver(version, ">", newVersion)'],
  ['One bad version', `version == "${bumped(newVersion)}"`],
  ['Opt-in', 'device.beta == true && semver(version, "<", newVersion)'],
  ['By property', 'device.region == "us-west" && semver(version, "<", newVersion)'],
  ['With a label', '"canary" in labels && semver(version, "<", newVersion)'],
]

/** A version that may have gone wrong after this one. */
function bumped(version: string): string {
  const [, before, patch] = /^(\d+\.\d+\.)(\d+)/.exec(version) ?? []
  return patch === undefined ? '1.2.3' : `${before}${Number(patch) + 1}`
}

export const OF_VERSIONS: readonly Word[] = [
  { write: 'version', means: 'what the device runs; "" when it has not told' },
  { write: 'newVersion', means: 'what this release brings' },
  { write: 'major', means: 'the first number of version; minor and patch are the others' },
  { write: 'semver(version, "<", newVersion)', means: 'compares two versions' },
  { write: 'versionMatches(version, "~> 1.4")', means: 'as in what a release starts from' },
]

export const OF_DEVICE: readonly Word[] = [
  { write: 'device.region', means: 'a property as the device told it, nested too' },
  { write: 'has(device.region)', means: 'whether it told it at all' },
  { write: '"beta" in labels', means: 'its labels, which are given here' },
  { write: 'attributes.site', means: 'its attributes, which are given here' },
  { write: 'name.startsWith("gw-")', means: 'its name' },
  { write: 'installed.software.version', means: 'any other of its components' },
  { write: 'partNumber', means: 'also profile, customer, systemModel, hardwareType, lastSeenAt' },
]

export const OF_TEXTS: readonly Word[] = [
  { write: '== != < <= > >=', means: 'compare' },
  { write: '&& || !', means: 'and, or, not; brackets group' },
  { write: 'startsWith endsWith contains', means: 'device.model.startsWith("x")' },
  { write: 'matches(name, "^s-[0-9]+$")', means: 'a regular expression' },
  { write: 'device.region in ["us", "eu"]', means: 'one of several' },
]
