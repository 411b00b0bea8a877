/** What a campaign is called, the release it brings, and the devices it is for. */
import { Alert, MultiSelect, SegmentedControl, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ItemOf, read } from '../../data/queries.ts'
import { ExpressionField } from '../../parts/expression-field.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { ReleaseSelect } from '../../parts/release-select.tsx'
import { Section } from '../../parts/section.tsx'
import { plural } from '../../words/numbers.ts'
import type { Draft, Whom } from './draft.ts'

type Release = ItemOf<'listReleases'>

const WHOM = [
  { value: 'expression', label: 'Expression' },
  { value: 'groups', label: 'Groups' },
  { value: 'channel', label: 'Channel' },
] as const satisfies readonly { value: Whom; label: string }[]

const nameFor = (release: Release | undefined): string =>
  release ? `${release.title} ${release.version}` : ''

export function WhatForWhom({
  draft,
  release,
  releases,
  onChange,
}: {
  draft: Draft
  release: Release | undefined
  releases: readonly Release[]
  onChange: (to: Partial<Draft>) => void
}) {
  const { name, whom, expression } = draft
  return (
    <Stack gap="md">
      <Section title="What" isCard>
        <Stack>
          <ReleaseSelect
            releases={releases}
            none="There is no package yet"
            value={draft.releaseId}
            onChange={(releaseId) => {
              const chosen = releases.find(({ id }) => id === releaseId)
              const isOurs = name === '' || name === nameFor(release)
              onChange({ releaseId, ...(isOurs ? { name: nameFor(chosen) } : {}) })
            }}
            isFirst={false}
          />
          <NameField
            description="By which you find the campaign again."
            value={name}
            onChange={(to) => onChange({ name: to })}
            follows
          />
        </Stack>
      </Section>
      <Section
        title="For whom"
        isCard
        aside={
          <SegmentedControl
            size="xs"
            aria-label="For whom"
            data={[...WHOM]}
            value={whom}
            onChange={(to) => onChange({ whom: to as Whom })}
          />
        }
      >
        <Stack>
          {release && (
            <Text size="sm" className="quiet">
              Of them those of profile {release.profile}, which {release.title} is made for. They
              are fixed when the campaign is created.
            </Text>
          )}
          {whom === 'expression' && (
            <ExpressionField
              value={expression}
              onChange={(text) => onChange({ expression: text })}
              profile={release?.profile}
            />
          )}
          {whom === 'groups' && (
            <Groups chosen={draft.groupIds} onChange={(groupIds) => onChange({ groupIds })} />
          )}
          {whom === 'channel' && (
            <Channel chosen={draft.channelId} onChange={(channelId) => onChange({ channelId })} />
          )}
        </Stack>
      </Section>
    </Stack>
  )
}

function Groups({
  chosen,
  onChange,
}: {
  chosen: readonly string[]
  onChange: (ids: readonly string[]) => void
}) {
  const groups = useQuery(read('groups', 'listGroups', { query: { sort: 'name', limit: 500 } }))
  const items = groups.data?.items ?? []
  return (
    <MultiSelect
      label="Groups"
      placeholder={groups.data && items.length === 0 ? 'There is none yet' : 'Choose some'}
      data={items.map(({ id, name }) => ({ value: id, label: name }))}
      value={[...chosen]}
      onChange={onChange}
      searchable
      required
    />
  )
}

function Channel({
  chosen,
  onChange,
}: {
  chosen: string | null
  onChange: (id: string | null) => void
}) {
  const channels = useQuery(read('groups', 'listChannels', { query: { sort: 'name', limit: 500 } }))
  const items = channels.data?.items ?? []
  const channel = items.find(({ id }) => id === chosen)
  return (
    <>
      <Select
        label="Channel"
        placeholder={channels.data && items.length === 0 ? 'There is none yet' : 'Choose one'}
        data={items.map(({ id, name }) => ({ value: id, label: name }))}
        value={chosen}
        onChange={onChange}
        searchable
        required
      />
      {channel && (
        <Alert color="slate">
          {channel.groups.length === 0
            ? 'It has no groups, so it is for nobody.'
            : `${plural(channel.groups.length, 'group')}: ${channel.groups.map(({ name }) => name).join(', ')}`}
        </Alert>
      )}
    </>
  )
}
