/** What is wrong with an expression, and where. */
import { DomainError } from '@updraft/core'
import { compile } from '@updraft/core/expression'

export interface Mistake {
  /** Of the text, counted from 0. */
  readonly line: number
  /** Within that line. */
  readonly from: number
  readonly to: number
  readonly message: string
}

/** The first one; null when there is none. `reading` is what refuses it, of groups unless another is given. */
export function mistakeIn(
  text: string,
  reading: (text: string) => unknown = compile,
): Mistake | null {
  try {
    reading(text)
    return null
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    const { column = 1, length = 1 } = error.details as { column?: number; length?: number }
    const before = text.slice(0, column - 1).split('\n')
    const from = before.at(-1)?.length ?? 0
    const line = before.length - 1
    const end = text.split('\n')[line]?.length ?? from
    return {
      line,
      from,
      to: Math.min(from + Math.max(1, length), Math.max(end, from)),
      message: error.message,
    }
  }
}
