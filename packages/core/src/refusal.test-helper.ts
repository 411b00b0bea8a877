import { DomainError } from './errors.ts'

/** The code with which it refuses, or that it does not. */
export function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof DomainError) return error.code
    throw error
  }
  return 'accepted'
}
