/** Waves as one types them: `1`, `10%`, `10%:95:3600:approve` (size, success in percent, soak in seconds). */
import type { CampaignDraft } from '@updraft/api/shapes'
import { WrongWords } from './errors.ts'

type Wave = NonNullable<NonNullable<CampaignDraft['settings']>['waves']>[number]

const FORM =
  /^(?<size>\d+(?:\.\d+)?)(?<percent>%)?(?::(?<success>\d+(?:\.\d+)?)?)?(?::(?<soak>\d+)?)?(?::(?<approve>approve)?)?$/

export function readWave(text: string): Wave {
  const { size, percent, success, soak, approve } = FORM.exec(text)?.groups ?? {}
  if (size === undefined) {
    throw new WrongWords(
      `"${text}" is no wave such as 1, 10% or 10%:95:3600:approve (size, success in percent, soak in seconds).`,
    )
  }
  return {
    size: percent ? { percentage: Number(size) } : { count: Number(size) },
    ...(success === undefined ? {} : { successPercentage: Number(success) }),
    ...(soak === undefined ? {} : { soakSeconds: Number(soak) }),
    ...(approve === undefined ? {} : { needsApproval: true }),
  }
}
