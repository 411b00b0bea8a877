import { checkedPassword } from '@updraft/core'
import type { Secrets } from './ports.ts'

/** A password's hash, and the password itself if it was made up, to be shown once. Refuses with operator.invalid. */
export async function newPassword(
  secrets: Pick<Secrets, 'newPassword' | 'hashPassword'>,
  chosen: string | undefined,
): Promise<{ madeUp: string | null; hash: string }> {
  const madeUp = chosen === undefined ? secrets.newPassword() : null
  return { madeUp, hash: await secrets.hashPassword(madeUp ?? checkedPassword(chosen ?? '')) }
}
