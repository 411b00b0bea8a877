/** Updates over time by how they ended: a bar for each step of it. */
import type { Output } from '@updraft/api/client'
import { type ReactNode, useState } from 'react'
import { counted, plural } from '../../words/numbers.ts'
import { exactTime } from '../../words/time.ts'
import { ticksUpTo } from './scale.ts'
import './activity.css'

type ActivityData = Output<'showActivity'>
type Step = ActivityData['items'][number]

const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const DAY_SECONDS = 86_400
const MOST_TIMES = 8

const endedIn = ({ updated, failed }: Step): number => updated + failed

export function Activity({ activity: { items, stepSeconds } }: { activity: ActivityData }) {
  const [over, setOver] = useState<number | null>(null)
  const most = Math.max(0, ...items.map(endedIn))
  if (most === 0) return <p className="quiet activity-none">No update ended in this time.</p>
  const ticks = ticksUpTo(most)
  const top = ticks.at(-1) ?? most
  const heightOf = (count: number) => ({ height: `${(100 * count) / top}%` })
  const step = over === null ? undefined : items[over]
  return (
    <div className="bars">
      <div className="bars-counts quiet" aria-hidden>
        {ticks.map((tick) => (
          <div key={tick} style={{ bottom: `${(100 * tick) / top}%` }}>
            <span>{counted(tick)}</span>
          </div>
        ))}
      </div>
      <ol className="bars-steps" onMouseLeave={() => setOver(null)}>
        {items.map((each, index) => (
          <li key={each.at} onMouseEnter={() => setOver(index)}>
            {each.failed > 0 && <div className="bars-failed" style={heightOf(each.failed)} />}
            {each.updated > 0 && <div className="bars-updated" style={heightOf(each.updated)} />}
            <span className="visually-hidden">
              {timeOf(each, stepSeconds)}: {wordsOf(each).join(', ')}
            </span>
          </li>
        ))}
      </ol>
      <Times items={items} isLong={stepSeconds * items.length > 2 * DAY_SECONDS} />
      {step && over !== null && (
        <Tip at={(over + 0.5) / items.length}>
          <div className="quiet">{timeOf(step, stepSeconds)}</div>
          {wordsOf(step).map((words) => (
            <div key={words}>{words}</div>
          ))}
        </Tip>
      )}
    </div>
  )
}

/** Some of the steps' times, so that there is room between them. */
function Times({ items, isLong }: { items: readonly Step[]; isLong: boolean }) {
  const every = Math.ceil(items.length / MOST_TIMES)
  return (
    <div className="bars-times quiet" aria-hidden>
      {items.map(
        ({ at }, index) =>
          index % every === 0 && (
            <span key={at} style={{ left: `${(100 * (index + 0.5)) / items.length}%` }}>
              {(isLong ? day : hour).format(new Date(at))}
            </span>
          ),
      )}
    </div>
  )
}

/** Above its bar, and never beyond the chart's edges. */
const Tip = ({ at, children }: { at: number; children: ReactNode }) => (
  <div className="bars-tip" aria-hidden>
    <div className="tip" style={{ left: `${100 * at}%`, translate: `${-100 * at}%` }}>
      {children}
    </div>
  </div>
)

function timeOf({ at }: Step, stepSeconds: number): string {
  const from = new Date(at)
  return `${exactTime(from)} to ${hour.format(new Date(from.getTime() + stepSeconds * 1000))}`
}

const wordsOf = ({ updated, failed }: Step): [string, string] => [
  `${plural(updated, 'device')} updated`,
  `${plural(failed, 'device')} failed`,
]
