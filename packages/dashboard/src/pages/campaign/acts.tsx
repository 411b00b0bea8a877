/** What can be done with a campaign: the one thing that comes next as a button, the rest in its menu. */
import { Button, Menu } from '@mantine/core'
import {
  IconArrowBackUp,
  IconHandStop,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
  IconX,
} from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { MoreMenu } from '../../parts/more-menu.tsx'
import { plural } from '../../words/numbers.ts'
import type { CampaignData } from '../campaign.tsx'
import { type Act, actsOf } from './possible.ts'

const TOUCHES = ['campaigns', 'devices', 'operations', 'overview'] as const

const ICONS: Readonly<Record<Act, ReactNode>> = {
  approve: <IconHandStop size={16} />,
  resume: <IconPlayerPlay size={16} />,
  pause: <IconPlayerPause size={16} />,
  edit: <IconPencil size={16} />,
  retry: <IconRefresh size={16} />,
  'roll-back': <IconArrowBackUp size={16} />,
  cancel: <IconX size={16} />,
}

export function CampaignActs({ campaign }: { campaign: CampaignData }) {
  const { id, name, tally, waves } = campaign
  const navigate = useNavigate()
  const [question, ask] = useState<Question | null>(null)
  const pause = useChange('pauseCampaign', { touches: TOUCHES })
  const resume = useChange('resumeCampaign', { touches: TOUCHES })
  const approve = useChange('approveCampaign', { touches: TOUCHES })
  const retry = useChange('retryCampaign', { touches: TOUCHES })
  const cancel = useChange('cancelCampaign', { touches: TOUCHES })
  const rollBack = useChange('rollBackCampaign', { touches: TOUCHES })
  const remove = useChange('removeCampaign', {
    touches: ['campaigns'],
    done: `${name} was removed.`,
  })
  const isBusy = [pause, resume, approve, retry, cancel, rollBack].some(
    ({ isPending }) => isPending,
  )
  const params = { id }
  const over = { onSettled: () => ask(null) }
  const begun = waves.filter(({ openedAt }) => openedAt !== null).length
  const words: Readonly<Record<Act, string>> = {
    approve: `Approve wave ${begun + 1}`,
    resume: 'Resume',
    pause: 'Pause',
    edit: 'Change',
    retry: `Try ${plural(tally.failed + tally.skipped, 'device')} again`,
    'roll-back': 'Roll back',
    cancel: 'Cancel the campaign',
  }
  const does: Readonly<Record<Act, () => void>> = {
    approve: () => approve.mutate({ params }),
    resume: () => resume.mutate({ params }),
    pause: () => pause.mutate({ params }),
    retry: () => retry.mutate({ params }),
    edit: () => void navigate({ to: '/campaigns/$campaignId/edit', params: { campaignId: id } }),
    cancel: () =>
      ask({
        title: `Cancel ${name}?`,
        body: 'Nobody new is asked. What devices have not begun is taken back; those that are installing come to their end. What is updated stays so.',
        yes: 'Cancel the campaign',
        isDangerous: true,
        onYes: () => cancel.mutate({ params }, over),
      }),
    'roll-back': () =>
      ask({
        title: `Roll back ${name}?`,
        body: `Another campaign brings ${plural(tally.successful, 'device')} back to what they had before.`,
        yes: 'Roll back',
        isDangerous: true,
        onYes: () =>
          rollBack.mutate(
            { params, body: {} },
            { ...over, onSuccess: (made) => void navigate({ to: `/campaigns/${made.id}` }) },
          ),
      }),
  }
  const { primary, others, isRemovable } = actsOf(campaign)
  return (
    <>
      {primary && (
        <Button size="xs" leftSection={ICONS[primary]} loading={isBusy} onClick={does[primary]}>
          {words[primary]}
        </Button>
      )}
      {(others.length > 0 || isRemovable) && (
        <MoreMenu
          removal={
            isRemovable
              ? {
                  what: 'campaign',
                  title: `Remove ${name}?`,
                  body: 'What it tells of its devices goes with it. What they run, and the history of each, stays.',
                  isBusy: remove.isPending,
                  onYes: (done) =>
                    remove.mutate(
                      { params },
                      { onSuccess: () => void navigate({ to: '/campaigns' }), onSettled: done },
                    ),
                }
              : undefined
          }
        >
          {others.map((act) => (
            <Menu.Item
              key={act}
              color={act === 'cancel' ? 'red' : undefined}
              leftSection={ICONS[act]}
              onClick={does[act]}
            >
              {words[act]}
            </Menu.Item>
          ))}
        </MoreMenu>
      )}
      <Confirm question={question} isBusy={isBusy} onClose={() => ask(null)} />
    </>
  )
}
