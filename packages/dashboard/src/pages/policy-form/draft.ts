/** What is filled in on the way to a policy, and what that makes. */
import type { PolicyDraft, PolicyLimits } from '@updraft/api/shapes'
import type { PolicyData } from '../policy.tsx'

export interface Draft {
  readonly expression: string
  readonly limits: PolicyLimits
  readonly cloudIds: readonly string[]
  readonly isEnabled: boolean
}

const NO_LIMITS: PolicyLimits = {
  maxDevices: null,
  percentage: null,
  rate: null,
  periodSeconds: null,
}

export const EMPTY_DRAFT: Draft = {
  expression: '',
  limits: NO_LIMITS,
  cloudIds: [],
  isEnabled: true,
}

export const draftOf = ({ expression, limits, cloudIds, isEnabled }: PolicyData): Draft => ({
  expression,
  limits,
  cloudIds,
  isEnabled,
})

/** As the API takes it. */
export const bodyOf = ({ expression, limits, cloudIds, isEnabled }: Draft): PolicyDraft => ({
  expression: expression.trim(),
  limits,
  cloudIds: [...cloudIds],
  isEnabled,
})

/** What a number field holds; nothing in it is no limit. */
export const limitOf = (value: number | string): number | null =>
  value === '' ? null : Number(value)

/** A pace of so many devices in a period; without the one there is no other. */
export function withRate(limits: PolicyLimits, rate: number | null): PolicyLimits {
  const periodSeconds = rate === null ? null : (limits.periodSeconds ?? USUAL_PERIOD_SECONDS)
  return { ...limits, rate, periodSeconds }
}

export const USUAL_PERIOD_SECONDS = 3_600
