/** How devices enrol themselves with the key and the secret of a profile. */
import { DomainError } from './errors.ts'

/** As new devices; or, once each, as devices that an operator has added to the profile. */
export const PROVISIONING_STRATEGIES = ['create-new', 'check-pre-provisioned'] as const
export type ProvisioningStrategy = (typeof PROVISIONING_STRATEGIES)[number]

const MAX_TEXT_LENGTH = 255

/** A key or a secret that stands in firmware already, as it is. Refuses with request.malformed. */
export function checkedProvisioningText(what: 'key' | 'secret', text: string): string {
  if (text.trim() === '' || text.length > MAX_TEXT_LENGTH || /[\p{Cc}\p{Cs}]/u.test(text)) {
    throw new DomainError(
      'request.malformed',
      `A provisioning ${what} has 1 to ${MAX_TEXT_LENGTH} characters, none of them a control character.`,
    )
  }
  return text
}
