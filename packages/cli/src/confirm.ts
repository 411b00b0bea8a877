/** Asks whoever sits at the terminal. */
import { createInterface } from 'node:readline/promises'

/** True for y or yes; anything else, the end of the input too, is no. */
export async function confirm(
  question: string,
  { input, output, signal }: Terminal,
): Promise<boolean> {
  // Not as a terminal of its own: the line is edited where it is typed.
  const lines = createInterface({ input, output, terminal: false })
  try {
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), ended])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    lines.close()
  }
}

interface Terminal {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  readonly signal: AbortSignal
}
