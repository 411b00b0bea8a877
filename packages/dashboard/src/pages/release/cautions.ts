/**
 * What is allowed and yet makes trouble on devices in the field: docs/dialects/thingsboard.md tells of clients that
 * name files after the title, send it unescaped, keep it in small buffers, or know few checksums.
 */
import type { ChecksumAlgorithm } from '@updraft/core'

const SIGNS: readonly (readonly [sign: string, word: string])[] = [
  ['/', '/'],
  ['&', '&'],
  ['?', '?'],
  [' ', 'a space'],
]
/** Buffers of small clients hold this much at least, and this much at most. */
const SOME_LENGTH = 30
const MOST_LENGTH = 60

/** What to know of a title before it is fixed for ever; null when there is nothing. */
export function cautionOfTitle(title: string): string | null {
  const text = title.trim()
  const signs = SIGNS.filter(([sign]) => text.includes(sign)).map(([, word]) => word)
  if (signs.length > 0) {
    return `With ${listed(signs)} in it, devices that name a file after it or ask for it by name may fail.`
  }
  if (text.length > MOST_LENGTH) {
    return `Devices with little memory keep ${SOME_LENGTH} to ${MOST_LENGTH} characters. This has ${text.length}.`
  }
  if (text.length > SOME_LENGTH) {
    return `Some devices with little memory keep ${SOME_LENGTH} characters only. This has ${text.length}.`
  }
  return null
}

/** The same of a checksum's algorithm. */
export function cautionOfChecksum(algorithm: ChecksumAlgorithm): string | null {
  if (!/^(CRC32|MURMUR3)/.test(algorithm)) return null
  return "Devices with ThingsBoard's Arduino SDK do not know it, and its Python SDK rejects one in 256 that are right. SHA256 suits all."
}

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
