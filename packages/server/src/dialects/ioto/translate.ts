/** Ioto's words ⇄ ours: what a device says of itself, and a release as an offer that each of the clients can read. */
import type { Facts, JsonObject, Operation, Release } from '@updraft/core'
import { type CheckRequest, isPlain, LIMITS, offerText, propertiesOf } from '@updraft/wire/ioto'

/** All they have: the program as a whole. */
export const TYPE = 'firmware'

/** What a check says; the device names no title, and a check without a version says nothing of what it runs. */
export const factsOf = (body: JsonObject, version: string | undefined): Facts => ({
  installed: version === undefined ? {} : { [TYPE]: { title: null, version } },
  namesNoTitles: true,
  inventory: propertiesOf(body),
})

/** Where the bytes are and what they must be; or why no client could be told, in a sentence for an operator. */
export type Spoken =
  | { readonly sha256: string; readonly url: string | null }
  | { readonly no: string }

/** `url` is null for bytes kept here: their address is made for each device. */
export function spoken(release: Release): Spoken {
  const { artifact, checksum, checksumAlgorithm, externalUrl, version } = release
  if (!isPlain(version)) {
    return {
      no: 'Its version holds a quote, a backslash or a control character, which the Updater cannot read.',
    }
  }
  if (artifact) return { sha256: artifact.sha256.toLowerCase(), url: null }
  if (!externalUrl) return { no: 'It has neither a file nor a URL.' }
  if (checksumAlgorithm !== 'SHA256' || !checksum) {
    return { no: 'It is kept elsewhere and has no SHA-256, which is all that Ioto can check.' }
  }
  if (!/^https?:\/\//i.test(externalUrl) || !isPlain(externalUrl)) {
    return { no: 'Its URL is none that Ioto can fetch.' }
  }
  if (externalUrl.length >= LIMITS.urlLength) {
    return {
      no: `Its URL is longer than the ${LIMITS.urlLength - 1} characters that the Updater takes.`,
    }
  }
  return { sha256: checksum.toLowerCase(), url: externalUrl }
}

/** Whether each of the Updaters, none of which names a version of the agent, gives its download up. */
export const isTooLargeFor = ({ iotoVersion }: CheckRequest, { sizeBytes }: Release): boolean =>
  iotoVersion === undefined && (sizeBytes ?? 0) > LIMITS.updaterImageBytes

/** The offer, for a release that can be spoken of. A report will name the operation. */
export const spelledOffer = (
  { id }: Operation,
  { version }: Release,
  { sha256, url }: { sha256: string; url: string },
): string => offerText({ url, checksum: sha256, update: id, version })
