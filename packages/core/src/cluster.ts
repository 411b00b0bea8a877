/** Clusters of Astarte that serve a realm's devices in place of this server. */
import { DomainError } from './errors.ts'

const MAX_URL_LENGTH = 255

/** The base URL of a cluster's API as it is kept: without a slash at the end. Refuses with cluster.invalid. */
export function checkedClusterUrl(text: string): string {
  const url = text.trim()
  // Whatever stands before an @ would be a secret in a place where everybody looks.
  const isRoot = URL.canParse(url) && /^https?:\/\/[^?#\s@]+$/.test(url)
  if (isRoot && url.length <= MAX_URL_LENGTH) return url.replace(/\/+$/, '')
  throw new DomainError(
    'cluster.invalid',
    `The URL of a cluster is an http or https URL such as https://api.astarte.example, of ${MAX_URL_LENGTH} characters at most.`,
  )
}
