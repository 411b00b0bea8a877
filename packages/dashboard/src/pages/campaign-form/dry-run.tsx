/** What would come of a campaign for each device, before it is begun. Nothing is asked and nothing is kept. */
import { Button, Skeleton, Stack } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { type UseQueryResult, useInfiniteQuery } from '@tanstack/react-query'
import type { Output } from '@updraft/api/client'
import { csvLine } from '@updraft/api/csv'
import type { CampaignDraft } from '@updraft/api/shapes'
import { useState } from 'react'
import { api } from '../../data/client.ts'
import { type ItemOf, list } from '../../data/queries.ts'
import { saveAs } from '../../data/save.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Section } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Trouble, tellTrouble } from '../../parts/trouble.tsx'
import { FORETOLD } from '../../words/campaigns.ts'
import { counted } from '../../words/numbers.ts'
import { exactTime, withTimes } from '../../words/time.ts'
import type { Draft } from './draft.ts'

type Line = ItemOf<'forecastCampaign'>
type Row = Line & { readonly id: string }
type Would = Line['would']

const COLUMNS: readonly Column<Row>[] = [
  {
    key: 'device',
    head: 'Device',
    width: '30%',
    cell: ({ device: { name } }) => <span className="strong">{name}</span>,
  },
  {
    key: 'would',
    head: 'Comes to',
    width: '140px',
    cell: ({ would }) => <StateBadge {...FORETOLD[would]} isBare />,
  },
  {
    key: 'why',
    head: 'Because',
    rank: 1,
    cell: ({ because }) => <span title={withTimes(because)}>{withTimes(because)}</span>,
  },
]

export function DryRun({
  body,
  counts,
  draft,
  release,
}: {
  body: CampaignDraft
  counts: UseQueryResult<Output<'countForecast'>, Error>
  draft: Draft
  release: ItemOf<'listReleases'> | undefined
}) {
  const query = useInfiniteQuery({
    ...list('campaigns', 'forecastCampaign', { body, query: { limit: 100 } }),
    select: (data) => ({
      ...data,
      pages: data.pages.map((page) => ({
        ...page,
        items: page.items.map((item): Row => ({ ...item, id: item.device.id })),
      })),
    }),
  })
  if (counts.error) return <Trouble error={counts.error} onRetry={() => void counts.refetch()} />
  return (
    <Stack gap="md">
      <p className="campaign-sum">
        <strong>{draft.name}</strong> brings {release?.title}{' '}
        <span className="mono">{release?.version}</span>
        {draft.scheduledAt === ''
          ? ' at once.'
          : ` from ${exactTime(new Date(draft.scheduledAt))} on.`}{' '}
        <span className="quiet">
          This is what would come of it for the devices there are now, waves and windows left aside.
        </span>
      </p>
      {counts.data ? <Figures counts={counts.data} /> : <Skeleton height={72} />}
      <Section
        title="Each device"
        isCard
        aside={<Export body={body} count={counts.data?.devices ?? 0} />}
      >
        <DataTable
          label="What would come of each device"
          query={query}
          columns={COLUMNS}
          empty={<p className="quiet">No device belongs to it now.</p>}
        />
      </Section>
    </Stack>
  )
}

function Figures({ counts: { would, devices, isComplete } }: { counts: Output<'countForecast'> }) {
  return (
    <div>
      <ul className="foretold">
        {(Object.keys(FORETOLD) as Would[]).map((each) => {
          const { word, Icon, look } = FORETOLD[each]
          return (
            <li
              key={each}
              className="card look"
              data-look={look}
              data-none={would[each] === 0 || undefined}
            >
              <span className="foretold-word">
                <Icon size={15} stroke={2} aria-hidden />
                {word}
              </span>
              <span className="foretold-count figure">{counted(would[each])}</span>
            </li>
          )
        })}
      </ul>
      {!isComplete && (
        <p className="quiet campaign-opening">
          Of the first {counted(devices)} devices; there are more, of which nothing is counted here.
        </p>
      )}
    </div>
  )
}

const PAGE = 500

function Export({ body, count }: { body: CampaignDraft; count: number }) {
  const [done, setDone] = useState<number | null>(null)
  const save = async () => {
    let text = csvLine(['device', 'id', 'would', 'because'])
    let lines = 0
    let cursor: string | undefined
    setDone(0)
    try {
      do {
        const page = await api('forecastCampaign', { body, query: { limit: PAGE, cursor } })
        for (const { device, would, because } of page.items) {
          text += csvLine([device.name, device.id, would, because])
        }
        lines += page.items.length
        setDone(lines)
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
      saveAs(`dry-run-${body.name.replace(/[^\w.-]+/g, '-')}.csv`, text)
    } catch (error) {
      tellTrouble(error)
    }
    setDone(null)
  }
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconDownload size={14} />}
      disabled={count === 0 || done !== null}
      onClick={() => void save()}
    >
      {done === null ? 'Export as CSV' : `${counted(done)} devices…`}
    </Button>
  )
}
