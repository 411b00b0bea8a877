/** Writes a policy: whom the release is for, read and counted while it is typed, and how many may get it. */
import { Button, Group, MultiSelect, Skeleton, Stack, Switch } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { compilePolicy } from '@updraft/core/expression'
import { type ReactNode, useCallback, useRef, useState } from 'react'
import { useChange } from '../data/changes.ts'
import { type ItemOf, read, readToChange } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { useClouds } from '../parts/cloud-select.tsx'
import type { Chosen } from '../parts/device-select.tsx'
import { ExpressionInput } from '../parts/expression-input.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { ReleaseSelect, useReleases } from '../parts/release-select.tsx'
import { Section } from '../parts/section.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { mistakeIn } from '../words/mistake.ts'
import { NotFound } from './not-found.tsx'
import { Trial } from './policy/trial.tsx'
import { bodyOf, type Draft, draftOf, EMPTY_DRAFT } from './policy-form/draft.ts'
import { Help } from './policy-form/help.tsx'
import { LimitsFields } from './policy-form/limits-fields.tsx'
import { Matches, useMatches, Warnings } from './policy-form/matches.tsx'
import { examplesFor } from './policy-form/words.ts'
import './policy-form/policy-form.css'

type Release = Pick<
  ItemOf<'listReleases'>,
  'id' | 'type' | 'title' | 'version' | 'description' | 'profile'
>

export function NewPolicy() {
  const may = useMay()
  const { state } = useListState()
  const [releaseId, setReleaseId] = useState<string | null>(state.releaseId ?? null)
  const releases = useReleases({})
  const release = releases.find(({ id }) => id === releaseId)
  if (!may('policy.write')) return <NotFound />
  return (
    <Page title="New policy">
      <Form
        // What is written for one release is not meant for another.
        key={releaseId}
        release={release}
        initial={EMPTY_DRAFT}
        leaveTo="/policies"
        choice={
          <ReleaseSelect
            releases={releases}
            none="There is no package yet"
            value={releaseId}
            onChange={setReleaseId}
            isFirst={false}
          />
        }
      />
    </Page>
  )
}

export function EditPolicy() {
  const { releaseId } = useParams({ from: '/inside/policies/$releaseId/edit' })
  const may = useMay()
  const params = { id: releaseId }
  // What is typed is not taken away by what happens meanwhile; who saves it is told.
  const policy = useQuery(readToChange('policies', 'showPolicy', { params }))
  const release = useQuery({
    ...read('releases', 'showRelease', { params }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (!may('policy.write')) return <NotFound />
  const error = policy.error ?? release.error
  const isThere = policy.data && release.data?.id === releaseId
  return (
    <Page
      title={
        release.data ? `Policy of ${release.data.title} ${release.data.version}` : 'Change a policy'
      }
    >
      {isThere ? (
        <Form
          release={release.data}
          initial={draftOf(policy.data.its)}
          etag={policy.data.etag}
          leaveTo={`/policies/${releaseId}`}
        />
      ) : error ? (
        <Trouble error={error} />
      ) : (
        <Skeleton height={320} />
      )}
    </Page>
  )
}

function Form({
  release,
  initial,
  etag = null,
  leaveTo,
  choice,
}: {
  release: Release | undefined
  initial: Draft
  /** What the draft was made of had it. */
  etag?: string | null
  leaveTo: string
  /** Where the release is chosen, while it can be. */
  choice?: ReactNode
}) {
  const navigate = useNavigate()
  const [draft, setDraft] = useState(initial)
  const put = useChange('putPolicy', {
    touches: ['policies', 'devices', 'releases', 'overview'],
    ifMatch: etag,
  })
  const change = (to: Partial<Draft>) => setDraft((now) => ({ ...now, ...to }))
  const isRead = release !== undefined && mistakeFor(release, draft.expression) === null
  return (
    <form
      className="policy-form"
      onSubmit={(event) => {
        event.preventDefault()
        if (!isRead) return
        put.mutate(
          { params: { id: release.id }, body: bodyOf(draft) },
          { onSuccess: () => void navigate({ to: `/policies/${release.id}` }) },
        )
      }}
    >
      {choice && (
        <Section title="Which release" isCard>
          {choice}
        </Section>
      )}
      {release && <Written key={release.id} release={release} draft={draft} onChange={change} />}
      <Group className="form-end" justify="space-between">
        <LinkButton to={leaveTo} variant="default">
          Leave it
        </LinkButton>
        <Button type="submit" disabled={!isRead} loading={put.isPending}>
          {draft.isEnabled ? 'Publish the policy' : 'Save it, switched off'}
        </Button>
      </Group>
    </form>
  )
}

const mistakeFor = (release: Release, text: string) =>
  mistakeIn(text, (written) => compilePolicy(written, release))

function Written({
  release,
  draft,
  onChange,
}: {
  release: Release
  draft: Draft
  onChange: (to: Partial<Draft>) => void
}) {
  const { expression, limits, cloudIds, isEnabled } = draft
  const { id: releaseId, profile, version } = release
  const field = useRef<HTMLTextAreaElement>(null)
  const [device, setDevice] = useState<Chosen | null>(null)
  const findMistake = useCallback((text: string) => mistakeFor(release, text), [release])
  const isRead = findMistake(expression) === null
  const reach = useMatches({ releaseId, expression, cloudIds }, isRead)
  const clouds = useClouds()
  const insert = (text: string) => {
    const { selectionStart, selectionEnd } = field.current ?? { selectionStart: 0, selectionEnd: 0 }
    onChange({
      expression: expression.slice(0, selectionStart) + text + expression.slice(selectionEnd),
    })
    field.current?.focus()
  }
  return (
    <div className="policy-form-columns">
      <Stack gap="md">
        <Section title="For which devices" isCard>
          <Stack>
            <ExpressionInput
              field={field}
              description={`Devices of ${profile} for which it holds get ${version} when they next ask. Left empty it is for every older device.`}
              placeholder="every older device"
              examples={examplesFor(version)}
              findMistake={findMistake}
              isRequired={false}
              value={expression}
              onChange={(text) => onChange({ expression: text })}
            >
              <Matches reach={reach} onTry={setDevice} />
            </ExpressionInput>
            {isRead && <Warnings releaseId={releaseId} expression={expression} />}
            {clouds.length > 0 && (
              <MultiSelect
                label="Clouds"
                description="Only devices of these; none chosen is all of them."
                placeholder={cloudIds.length === 0 ? 'all' : undefined}
                data={clouds.map(({ id, name }) => ({ value: id, label: name }))}
                value={[...cloudIds]}
                onChange={(chosen) => onChange({ cloudIds: chosen })}
                searchable
                clearable
              />
            )}
          </Stack>
        </Section>
        <Section title="How many at most" isCard>
          <LimitsFields
            limits={limits}
            population={reach.matches?.population}
            onChange={(to) => onChange({ limits: to })}
          />
        </Section>
        <Section title="In force" isCard>
          <Switch
            label="Enabled"
            description={
              isEnabled
                ? 'Devices that ask from now on are offered it.'
                : 'Nobody new is offered it. What devices have begun goes on.'
            }
            checked={isEnabled}
            onChange={(event) => onChange({ isEnabled: event.currentTarget.checked })}
          />
        </Section>
      </Stack>
      <Stack gap="md">
        <Section title="Try it on a device" isCard>
          <Trial
            releaseId={releaseId}
            profile={profile}
            expression={isRead ? expression.trim() : null}
            device={device}
            onChoose={setDevice}
          />
        </Section>
        <Section title="What can be written" isCard>
          <Help onInsert={insert} />
        </Section>
      </Stack>
    </div>
  )
}
