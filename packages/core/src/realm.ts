/** Realms: a tenant as devices of Astarte call it; their ids, and what a token lets an agent do there. */
import { DomainError } from './errors.ts'
import { regularExpression } from './expression/regular.ts'

const REALM = /^[a-z][a-z0-9]{0,47}$/
export const isRealm = (text: string): boolean => REALM.test(text)

/** Refuses with realm.invalid. */
export function checkedRealm(name: string): string {
  if (isRealm(name)) return name
  throw new DomainError(
    'realm.invalid',
    'The name of a realm is 1 to 48 small letters and digits, a letter first.',
  )
}

/** 128 bits, six to a character. */
const ID_LENGTH = 22
/** Longer ids are tolerated and cut, within reason. */
const MAX_ID_LENGTH = 255
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** Of its last character only two bits count. */
const LAST_BITS = 0b110000

/**
 * An id of Astarte's as it is written by all: 22 characters of base64url. Astarte compares decoded bytes and cuts longer
 * ids to 128 bits, so several texts mean one device. Null when the text is no id.
 */
export function astarteIdOf(text: string): string | null {
  if (text.length > MAX_ID_LENGTH || !/^[A-Za-z0-9_-]{22,}={0,2}$/.test(text)) return null
  const last = ALPHABET.indexOf(text.charAt(ID_LENGTH - 1)) & LAST_BITS
  return text.slice(0, ID_LENGTH - 1) + ALPHABET.charAt(last)
}

/** Whom a certificate of Astarte's is made out to. */
export const certifiedNameOf = (realm: string, astarteId: string): string => `${realm}/${astarteId}`

/** More than that no token says in earnest. */
const MAX_RULES = 100
const MAX_RULE_LENGTH = 1000

/**
 * Whether one of the rules of a token allows it: `VERB::path`, each side a regular expression of the whole of it; the
 * path stands below that of the realm. A rule that cannot be read allows nothing.
 */
export function allowsAgent(
  rules: readonly string[],
  { method, path }: { method: string; path: string },
): boolean {
  return rules.slice(0, MAX_RULES).some((rule) => {
    const [, verb, where] = /^([^:]*):[^:]*:(.*)$/s.exec(rule) ?? []
    if (verb === undefined || where === undefined || rule.length > MAX_RULE_LENGTH) return false
    return fits(verb, method) && fits(where, path)
  })
}

function fits(pattern: string, text: string): boolean {
  try {
    // By itself first: what closes a bracket it has not opened would reach out of ours.
    regularExpression(pattern)
    return regularExpression(`^(?:${pattern})$`)(text)
  } catch {
    return false
  }
}

/** What an agent that has the key of the realm may do at the most. */
export const AGENT_RULES: readonly string[] = ['.*::agent/.*']
