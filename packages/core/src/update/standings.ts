/** How a device stands with the policies of its profile, as that changes during a visit. */
import type { Fared } from '../policy.ts'
import {
  type Attempts,
  type Choice,
  isNotBegun,
  NO_ATTEMPTS,
  type PolicyStanding,
  type Standings,
} from './choose.ts'
import type { Operation } from './operation.ts'
import type { PolicyMove } from './snapshot.ts'
import { isTerminal } from './states.ts'

export class StandingsDraft {
  readonly #now: Date
  readonly #standings: Record<string, PolicyStanding>
  readonly #moves: PolicyMove[] = []

  constructor(before: Standings, now: Date) {
    this.#standings = { ...before }
    this.#now = now
  }

  get current(): Standings {
    return this.#standings
  }

  get moves(): readonly PolicyMove[] {
    return this.#moves
  }

  /** A policy has the device offered that release; once is enough. */
  offered({ release, because }: Extract<Choice, { kind: 'offer' }>): void {
    if (this.#standings[release.id]?.standing === 'offered') return
    this.#stand(release.id, { standing: 'offered', because, fared: null })
  }

  /**
   * The policy that holds for the device and keeps it back; those that did before no longer do. `others`: releases whose
   * policies that choice is not about.
   */
  keepBack(choice: Choice, others: readonly string[]): void {
    const defers = choice.kind === 'nothing' ? choice.defers : undefined
    const stays = choice.kind === 'offer' ? choice.policy : defers
    for (const [releaseId, { standing }] of Object.entries(this.#standings)) {
      if (standing !== 'deferred' || releaseId === stays?.release.id) continue
      if (!others.includes(releaseId)) this.#stand(releaseId, null)
    }
    if (!defers || this.#standings[defers.release.id]?.code === choice.because.code) return
    this.#stand(defers.release.id, { standing: 'deferred', because: choice.because, fared: null })
  }

  /** How the update a policy asked for goes on the device. */
  fares(operation: Operation): void {
    const { releaseId } = operation
    const stood = this.#standings[releaseId]
    if (stood?.standing !== 'offered') return
    if (isTerminal(operation.state)) {
      const attempts = attemptsAfter(stood.attempts, operation)
      this.#standings[releaseId] = { ...stood, attempts }
    }
    const fared = faredOf(operation)
    if (!fared || fared === stood.fared) return
    this.#stand(releaseId, { standing: 'offered', because: null, fared })
  }

  #stand(releaseId: string, to: PolicyMove['to']): void {
    const from = this.#standings[releaseId] ?? null
    this.#moves.push({ releaseId, from, to, at: this.#now })
    if (!to) {
      delete this.#standings[releaseId]
      return
    }
    const { standing, fared } = to
    const code = to.because?.code ?? from?.code ?? 'policy.offers'
    const attempts = from?.attempts ?? NO_ATTEMPTS
    this.#standings[releaseId] = { standing, code, fared, attempts }
  }
}

/** The record of attempts as it is after that operation ended. */
export function attemptsAfter(
  { failures, lastFailedAt }: Attempts,
  operation: Operation,
): Attempts {
  const { state, endedAt, because } = operation
  const latest = { isCancelled: because.code === 'operator.cancel', isStaged: state === 'STAGED' }
  return state === 'CANCELED' || state === 'STAGED'
    ? { failures, lastFailedAt, ...latest }
    : { failures: failures + 1, lastFailedAt: endedAt, ...latest }
}

/** Null where it says nothing of how it goes. */
function faredOf(operation: Operation): Fared | null {
  switch (operation.state) {
    case 'UPDATED':
      return 'succeeded'
    case 'FAILED':
      return 'failed'
    case 'CANCELED':
    case 'STAGED':
      return null
    default:
      return isNotBegun(operation) ? null : 'started'
  }
}
