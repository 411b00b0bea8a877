/** The way to a campaign in three steps: what for whom, how, and a dry run before anything is begun. */
import { Button, Group, Skeleton, Stepper } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useChange } from '../data/changes.ts'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { LinkButton } from '../parts/link-button.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { useReleases } from '../parts/release-select.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { mistakeIn } from '../words/mistake.ts'
import { plural } from '../words/numbers.ts'
import { bodyOf, type Draft, draftOf, EMPTY_DRAFT, mistakeOf } from './campaign-form/draft.ts'
import { DryRun } from './campaign-form/dry-run.tsx'
import { How } from './campaign-form/how.tsx'
import { WhatForWhom } from './campaign-form/what-for-whom.tsx'
import { NotFound } from './not-found.tsx'
import './campaign-form/campaign-form.css'

const TOUCHES = ['campaigns', 'devices', 'operations', 'overview'] as const

export function NewCampaign() {
  const navigate = useNavigate()
  const may = useMay()
  const { state } = useListState()
  const create = useChange('createCampaign', { touches: TOUCHES })
  if (!may('campaign.write')) return <NotFound />
  const given = {
    ...EMPTY_DRAFT,
    releaseId: state.releaseId ?? null,
    ...(state.channel ? { whom: 'channel' as const, channelId: state.channel } : {}),
    ...(state.group ? { whom: 'groups' as const, groupIds: [state.group] } : {}),
  }
  return (
    <Page title="New campaign">
      <Form
        initial={given}
        verb={(draft) =>
          draft.scheduledAt === '' ? 'Start the campaign' : 'Schedule the campaign'
        }
        isBusy={create.isPending}
        leaveTo="/campaigns"
        onSubmit={(body) =>
          create.mutate(
            { body },
            { onSuccess: ({ id }) => void navigate({ to: `/campaigns/${id}` }) },
          )
        }
      />
    </Page>
  )
}

export function EditCampaign() {
  const { campaignId } = useParams({ from: '/inside/campaigns/$campaignId/edit' })
  const navigate = useNavigate()
  const may = useMay()
  const campaign = useQuery({
    ...read('campaigns', 'showCampaign', { params: { id: campaignId } }),
    // What is typed is not taken away by what happens meanwhile.
    staleTime: Number.POSITIVE_INFINITY,
  })
  const change = useChange('changeCampaign', {
    touches: TOUCHES,
    done: 'The campaign was changed.',
  })
  if (!may('campaign.write')) return <NotFound />
  const { data, error } = campaign
  return (
    <Page title={data ? `Change ${data.name}` : 'Change a campaign'}>
      {error ? (
        <Trouble error={error} />
      ) : data ? (
        <Form
          initial={draftOf(data)}
          verb={() => 'Change the campaign'}
          isBusy={change.isPending}
          leaveTo={`/campaigns/${campaignId}`}
          onSubmit={(body) =>
            change.mutate(
              { params: { id: campaignId }, body },
              { onSuccess: ({ id }) => void navigate({ to: `/campaigns/${id}` }) },
            )
          }
        />
      ) : (
        <Skeleton height={320} />
      )}
    </Page>
  )
}

type Body = NonNullable<ReturnType<typeof bodyOf>>

function Form({
  initial,
  verb,
  isBusy,
  leaveTo,
  onSubmit,
}: {
  initial: Draft
  verb: (draft: Draft) => string
  isBusy: boolean
  leaveTo: string
  onSubmit: (body: Body) => void
}) {
  const [draft, setDraft] = useState(initial)
  const [step, setStep] = useState(0)
  const releases = useReleases({})
  const release = releases.find(({ id }) => id === draft.releaseId)
  const body = bodyOf(draft)
  const isExpressionRead = draft.whom !== 'expression' || mistakeIn(draft.expression) === null
  const mistake = mistakeOf(draft)
  const isStepDone = [
    body !== null && body.name !== '' && isExpressionRead,
    mistake === null,
    body !== null,
  ]
  const last = isStepDone.length - 1
  const change = (to: Partial<Draft>) => setDraft((now) => ({ ...now, ...to }))
  const counts = useQuery({
    ...read('campaigns', 'countForecast', { body: body ?? NOTHING }),
    enabled: step === last && body !== null,
  })
  return (
    <form
      className="campaign-form"
      data-wide={step === last || undefined}
      onSubmit={(event) => {
        event.preventDefault()
        if (!isStepDone[step]) return
        if (step < last) setStep(step + 1)
        else if (body) onSubmit(body)
      }}
    >
      <Stepper
        active={step}
        onStepClick={(to) => {
          if (isStepDone.slice(0, to).every(Boolean)) setStep(to)
        }}
        size="sm"
        iconSize={30}
      >
        <Stepper.Step label="What, for whom">
          <WhatForWhom draft={draft} release={release} releases={releases} onChange={change} />
        </Stepper.Step>
        <Stepper.Step label="How">
          <How draft={draft} mistake={mistake} onChange={change} />
        </Stepper.Step>
        <Stepper.Step label="Dry run">
          {body && <DryRun body={body} counts={counts} draft={draft} release={release} />}
        </Stepper.Step>
      </Stepper>
      <Group className="form-end" justify="space-between">
        {step === 0 ? (
          <LinkButton to={leaveTo} variant="default">
            Leave it
          </LinkButton>
        ) : (
          <Button variant="default" onClick={() => setStep(step - 1)}>
            Back
          </Button>
        )}
        <Button type="submit" disabled={!isStepDone[step]} loading={isBusy}>
          {step < last ? 'Next' : verb(draft)}
          {step === last &&
            !!counts.data?.would.asked &&
            ` (${plural(counts.data.would.asked, 'device')})`}
        </Button>
      </Group>
    </form>
  )
}

/** Stands in while there is nothing to ask; it is not asked. */
const NOTHING: Body = { name: '', releaseId: '', audience: { expression: '' }, settings: {} }
