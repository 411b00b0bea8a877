/** One line on a terminal that says how far something is: bytes, rate, time left. */
import { bytesText, countText, spanText } from './print.ts'
import { clean, cut } from './width.ts'

export interface ProgressOf {
  readonly title: string
  /** Null where the end is not known. */
  readonly total: number | null
  readonly unit: 'bytes' | 'devices'
}

export interface Progress {
  readonly advance: (amount: number) => void
  /** Takes the line away again. */
  readonly end: () => void
}

export const NO_PROGRESS: Progress = { advance: () => {}, end: () => {} }

const REDRAW_MS = 100
const BAR_WIDTH = 24
/** The rate is that of the last seconds, so that it follows a network that slows down. */
const RATE_WINDOW_MS = 5000

export function createProgress(
  of: ProgressOf,
  stream: { write: (text: string) => unknown; columns?: number },
  clock: () => number = () => performance.now(),
): Progress {
  let done = 0
  let drawnAt = Number.NEGATIVE_INFINITY
  const samples = [{ at: clock(), done: 0 }]
  const draw = (at: number) => {
    drawnAt = at
    samples.push({ at, done })
    while (samples.length > 2 && (samples[0]?.at ?? at) < at - RATE_WINDOW_MS) samples.shift()
    const first = samples[0] ?? { at, done }
    const perSecond = at > first.at ? ((done - first.done) / (at - first.at)) * 1000 : 0
    stream.write(`\r\x1b[2K${cut(progressText(of, done, perSecond), (stream.columns ?? 80) - 1)}`)
  }
  return {
    advance: (amount) => {
      done += amount
      const at = clock()
      if (at - drawnAt >= REDRAW_MS) draw(at)
    },
    end: () => {
      if (drawnAt !== Number.NEGATIVE_INFINITY) stream.write('\r\x1b[2K')
    },
  }
}

/** `Sending app.bin  ━━━━━━━╌╌╌╌╌  43 %  129 MB of 300 MB  55 MB/s  3 s left` */
export function progressText(of: ProgressOf, done: number, perSecond: number): string {
  const amount = (value: number) =>
    of.unit === 'bytes' ? bytesText(value) : countText(value, 'device')
  const parts = [clean(of.title)]
  if (of.total !== null && of.total > 0) {
    const share = Math.min(1, done / of.total)
    const filled = Math.round(share * BAR_WIDTH)
    parts.push('━'.repeat(filled) + '╌'.repeat(BAR_WIDTH - filled))
    parts.push(`${Math.floor(share * 100)} %`.padStart(5))
    parts.push(`${amount(done)} of ${amount(of.total)}`)
  } else parts.push(amount(done))
  if (perSecond > 0) {
    parts.push(`${amount(Math.round(perSecond))}/s`)
    if (of.total !== null && of.total > done) {
      parts.push(`${spanText(Math.ceil((of.total - done) / perSecond))} left`)
    }
  }
  return parts.join('  ')
}
