/** Forgets devices that registered and came no more before anybody claimed them. */
import type { Clock, RegistrationsAtWork } from './ports.ts'
import { type Rounds, rounds } from './rounds.ts'

const EVERY_MS = 3_600_000
const KEPT_DAYS = 30
const DAY_MS = 86_400_000

export interface RegistrationSweeper extends Pick<Rounds, 'start' | 'stop'> {
  /** One sweep, now; answers how many were forgotten. */
  sweep(): Promise<number>
}

export function registrationSweeper({
  clock,
  registrations,
  onError,
}: {
  clock: Clock
  registrations: Pick<RegistrationsAtWork, 'forgetSilent'>
  onError: (error: unknown) => void
}): RegistrationSweeper {
  const sweep = () =>
    registrations.forgetSilent(new Date(clock.now().getTime() - KEPT_DAYS * DAY_MS))
  const sweeping = rounds({ everyMs: EVERY_MS, work: sweep, onError })
  return { sweep, start: sweeping.start, stop: sweeping.stop }
}
