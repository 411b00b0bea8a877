/** All campaigns, the newest first: how each stands and how its devices fare. */
import { Group, Select } from '@mantine/core'
import { IconPlus, IconSearch, IconWaveSine } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { type ItemOf, list } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { CampaignBadge } from '../parts/campaign-badge.tsx'
import { nameColumn } from '../parts/columns.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { FilterPill } from '../parts/filter-pill.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { SearchField } from '../parts/search-field.tsx'
import { TallyBar } from '../parts/tally-bar.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { endedOf, NARROWED } from '../words/campaigns.ts'
import { counted } from '../words/numbers.ts'
import './campaign/campaign.css'

type Campaign = ItemOf<'listCampaigns'>

const COLUMNS: readonly Column<Campaign>[] = [
  nameColumn({ sort: 'name' }),
  {
    key: 'status',
    head: 'Status',
    width: '150px',
    cell: (campaign) => <CampaignBadge campaign={campaign} isBare />,
  },
  {
    key: 'release',
    head: 'Release',
    rank: 1,
    cell: ({ release: { title, version } }) => (
      <>
        {title} <span className="mono">{version}</span>
      </>
    ),
  },
  { key: 'progress', head: 'Devices', rank: 1, cell: (campaign) => <Progress {...campaign} /> },
  {
    key: 'waves',
    head: 'Waves',
    width: '90px',
    rank: 2,
    isNumeric: true,
    cell: ({ waves }) =>
      `${waves.filter(({ openedAt }) => openedAt !== null).length} of ${waves.length}`,
  },
  {
    key: 'createdAt',
    head: 'Created',
    sort: 'createdAt',
    width: '120px',
    rank: 2,
    cell: ({ createdAt }) => <TimeAgo at={createdAt} />,
  },
]

const Progress = ({ tally, total }: Pick<Campaign, 'tally' | 'total'>) => (
  <div className="campaign-progress">
    <TallyBar tally={tally} />
    <span className="quiet figure">
      {counted(endedOf(tally))} of {counted(total)}
    </span>
  </div>
)

const isNarrowed = (key: string | undefined): key is keyof typeof NARROWED =>
  key !== undefined && key in NARROWED

export function Campaigns() {
  const { state, change } = useListState()
  const navigate = useNavigate()
  const may = useMay()
  const { campaignId } = useParams({ strict: false }) as { campaignId?: string }
  const sort = state.sort ?? '-createdAt'
  const narrowed = isNarrowed(state.status) ? NARROWED[state.status].query : {}
  const query = useInfiniteQuery(
    list('campaigns', 'listCampaigns', {
      query: {
        ...narrowed,
        search: state.search,
        deviceId: state.device,
        releaseId: state.releaseId,
        sort,
        limit: 100,
      },
    }),
  )
  const isFiltered = Boolean(state.search || state.status || state.device || state.releaseId)
  const add = (
    <LinkButton to="/campaigns/new" leftSection={<IconPlus size={16} />}>
      New campaign
    </LinkButton>
  )
  return (
    <Page title="Campaigns" fills actions={may('campaign.write') && add}>
      <Group gap="xs" className="filters">
        <SearchField label="Search campaigns" placeholder="Search names" />
        <Select
          aria-label="Status"
          placeholder="Any status"
          data={Object.entries(NARROWED).map(([value, { label }]) => ({ value, label }))}
          value={isNarrowed(state.status) ? state.status : null}
          onChange={(status) => change({ status: status ?? undefined })}
          clearable
        />
        <FilterPill value={state.device} onRemove={() => change({ device: undefined })}>
          for one device
        </FilterPill>
        <FilterPill value={state.releaseId} onRemove={() => change({ releaseId: undefined })}>
          of one release
        </FilterPill>
      </Group>
      <DataTable
        label="Campaigns"
        query={query}
        columns={COLUMNS}
        sort={sort}
        onSort={(wanted) => change({ sort: wanted })}
        openId={campaignId}
        onOpen={({ id }) => void navigate({ href: `/campaigns/${id}${location.search}` })}
        empty={
          isFiltered ? (
            <Empty Icon={IconSearch} title="No campaign is like that">
              Take a filter away to see more.
            </Empty>
          ) : (
            <Empty
              Icon={IconWaveSine}
              title="No campaigns yet"
              action={may('campaign.write') && add}
            >
              A campaign brings one release to many devices: first to a few, then to more, and it
              stops by itself when too many fail.
            </Empty>
          )
        }
      />
      <Outlet />
    </Page>
  )
}
