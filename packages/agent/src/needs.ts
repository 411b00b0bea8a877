/** What a release needs of the other components, looked at before a byte of it is fetched. */
import { type Installed, meetsNeed } from '@updraft/core'

/** In words, the first need that what runs does not meet; null when it meets all. */
export function missingFor(
  needs: Readonly<Record<string, string>>,
  runs: (type: string) => Installed | null,
): string | null {
  for (const [type, wanted] of Object.entries(needs)) {
    const version = runs(type)?.version ?? null
    if (isMet(version, wanted)) continue
    return `it needs ${type} ${wanted}, and here runs ${version ?? 'none that is known'}`
  }
  return null
}

/** A version that is none satisfies nothing, and what cannot be read as a requirement is satisfied by nothing. */
function isMet(version: string | null, wanted: string): boolean {
  try {
    return version !== null && meetsNeed(version, wanted)
  } catch {
    return false
  }
}
