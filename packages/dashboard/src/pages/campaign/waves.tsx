/** The waves of a campaign as steps: how full each is, and what must be true before the next one begins. */
import { IconCheck, IconClock, IconHandStop, IconPlayerPlay, IconX } from '@tabler/icons-react'
import type { Wave } from '@updraft/api/shapes'
import { counted, plural } from '../../words/numbers.ts'
import type { Look } from '../../words/states.tsx'
import { span } from '../../words/time.ts'
import type { CampaignData } from '../campaign.tsx'

export function Waves({ campaign }: { campaign: CampaignData }) {
  const { waves } = campaign
  return (
    <ol className="waves">
      {waves.map((wave, index) => (
        <Step
          // biome-ignore lint/suspicious/noArrayIndexKey: a wave is its number
          key={index}
          wave={wave}
          number={index + 1}
          standing={standingOf(campaign, index)}
        />
      ))}
    </ol>
  )
}

type Standing = 'passed' | 'now' | 'approval' | 'stopped' | 'to-come'

const STANDINGS: Readonly<Record<Standing, { look: Look; Icon: typeof IconCheck; word: string }>> =
  {
    passed: { look: 'UPDATED', Icon: IconCheck, word: 'passed' },
    now: { look: 'DOWNLOADING', Icon: IconPlayerPlay, word: 'under way' },
    approval: { look: 'NEEDS_ATTENTION', Icon: IconHandStop, word: 'needs approval' },
    stopped: { look: 'FAILED', Icon: IconX, word: 'ended here' },
    'to-come': { look: 'QUEUED', Icon: IconClock, word: 'to come' },
  }

function standingOf({ waves, status, outcome, canApprove }: CampaignData, index: number): Standing {
  const current = waves.findLastIndex(({ openedAt }) => openedAt !== null)
  if (index > current) return 'to-come'
  if (index < current) return 'passed'
  if (status === 'finished') return outcome === 'success' ? 'passed' : 'stopped'
  return canApprove ? 'approval' : 'now'
}

function Step({ wave, number, standing }: { wave: Wave; number: number; standing: Standing }) {
  const { look, Icon, word } = STANDINGS[standing]
  const { size, successful, failed, successPercentage } = wave
  const share = (count: number) => (size === 0 ? 0 : (100 * count) / size)
  return (
    <li
      className="look"
      data-look={look}
      data-standing={standing}
      aria-current={standing === 'now' || standing === 'approval' ? 'step' : undefined}
    >
      <Icon size={16} stroke={2} aria-hidden />
      <div>
        <div className="waves-head">
          <span className="strong">Wave {number}</span>
          <span className="waves-word">{word}</span>
          <span className="quiet figure">
            {counted(successful)} of {plural(size, 'device')} updated
            {failed > 0 && `, ${counted(failed)} failed`}
          </span>
        </div>
        <div className="waves-bar">
          <div className="look" data-look="UPDATED" style={{ width: `${share(successful)}%` }} />
          <div className="look" data-look="FAILED" style={{ width: `${share(failed)}%` }} />
          {successPercentage !== null && successPercentage < 100 && (
            <i style={{ left: `${successPercentage}%` }} />
          )}
        </div>
        {successPercentage !== null && standing !== 'passed' && (
          <div className="quiet">{conditionOf(wave)}</div>
        )}
      </div>
    </li>
  )
}

/** "then at least 90 % updated, watched for 1 h, and a person's approval" */
function conditionOf({ size, successPercentage, soakSeconds, needsApproval }: Wave): string {
  const needed = Math.max(1, Math.ceil((size * (successPercentage ?? 0)) / 100))
  const conditions = [
    `${needed === size ? (size === 1 ? 'it is' : 'all are') : `at least ${counted(needed)} are`} updated`,
    soakSeconds > 0 ? `${span(soakSeconds)} have passed since` : '',
    needsApproval ? 'a person has approved' : '',
  ].filter((each) => each !== '')
  const last = conditions.pop()
  return `The next wave begins when ${conditions.length > 0 ? `${conditions.join(', ')} and ` : ''}${last}.`
}
