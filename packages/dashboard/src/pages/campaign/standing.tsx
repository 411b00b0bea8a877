/** How all its devices fare: a donut, what its colours mean, and how fast it goes. */
import { UnstyledButton } from '@mantine/core'
import type { Tally } from '@updraft/api/shapes'
import type { ReactNode } from 'react'
import { Facts } from '../../parts/detail.tsx'
import { useListState } from '../../parts/list-query.ts'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { endedOf, TARGET_ORDER, TARGETS, tallyWords } from '../../words/campaigns.ts'
import { useNow } from '../../words/clock.ts'
import { counted, plural } from '../../words/numbers.ts'
import { fromNow, span } from '../../words/time.ts'
import type { CampaignData } from '../campaign.tsx'
import { paceOf } from './pace.ts'

export function Standing({ campaign }: { campaign: CampaignData }) {
  const { tally, total } = campaign
  const { state, change } = useListState()
  return (
    <div className="campaign-standing">
      <Donut tally={tally} total={total} />
      <ul className="campaign-legend">
        {TARGET_ORDER.map((status) => {
          const { word, Icon, look } = TARGETS[status]
          return (
            <li key={status}>
              <UnstyledButton
                className="look"
                data-look={look}
                data-none={tally[status] === 0 || undefined}
                aria-pressed={state.targets === status}
                onClick={() => change({ targets: state.targets === status ? undefined : status })}
              >
                <Icon size={15} stroke={2} aria-hidden />
                <span>{word}</span>
                <span className="figure">{counted(tally[status])}</span>
              </UnstyledButton>
            </li>
          )
        })}
      </ul>
      <Facts facts={figures(campaign, useNow())} />
    </div>
  )
}

function figures(campaign: CampaignData, now: Date): [string, ReactNode][] {
  const { settings, scheduledAt, startedAt, finishedAt, tally } = campaign
  if (finishedAt !== null) {
    const seconds = (Date.parse(finishedAt) - Date.parse(startedAt ?? finishedAt)) / 1000
    return [
      ['Ended', <TimeAgo key="ended" at={finishedAt} />],
      ['It took', span(seconds)],
    ]
  }
  if (startedAt === null) return [['Begins', <TimeAgo key="begins" at={scheduledAt} />]]
  const pace = paceOf(campaign, now)
  const hour =
    pace && (pace.perHour < 10 ? pace.perHour.toFixed(1) : counted(Math.round(pace.perHour)))
  return [
    ['Begun', <TimeAgo key="begun" at={startedAt} />],
    ['Speed', hour ? `${hour} devices an hour` : 'too early to say'],
    ['Ends', pace?.endsAt ? fromNow(pace.endsAt, now) : 'nobody can say yet'],
    ['At a time', `${tally['in-progress']} of at most ${plural(settings.maxInProgress, 'device')}`],
  ]
}

const RADIUS = 15.915_494_309

/** Rings begin at the top; who has not been asked is the empty part. */
function Donut({ tally, total }: { tally: Tally; total: number }) {
  const drawn = TARGET_ORDER.filter((status) => status !== 'idle' && tally[status] > 0)
  const shares = drawn.map((status) => (100 * tally[status]) / total)
  const percent = total === 0 ? 100 : Math.floor((100 * endedOf(tally)) / total)
  return (
    <svg className="campaign-donut" viewBox="0 0 40 40" role="img" aria-label={tallyWords(tally)}>
      <circle className="campaign-donut-track" cx="20" cy="20" r={RADIUS} />
      {drawn.map((status, index) => {
        const share = shares[index] ?? 0
        const before = shares.slice(0, index).reduce((sum, each) => sum + each, 0)
        const gap = drawn.length > 1 || share < 100 ? Math.min(0.8, share / 3) : 0
        return (
          <circle
            key={status}
            className="look campaign-donut-part"
            data-look={TARGETS[status].look}
            cx="20"
            cy="20"
            r={RADIUS}
            pathLength="100"
            strokeDasharray={`${share - gap} ${100 - share + gap}`}
            strokeDashoffset={25 - before}
          />
        )
      })}
      <text x="20" y="20.6" className="campaign-donut-count">
        {counted(total)}
      </text>
      <text x="20" y="25.6" className="campaign-donut-word">
        {percent} % done
      </text>
    </svg>
  )
}
