/** All policies: what each says, whether it is in force, and how its devices fare. */
import { Group, Select } from '@mantine/core'
import { IconCloud, IconPlus, IconSearch, IconTargetArrow } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { type ItemOf, list, rowsBy } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { PolicyBar } from '../parts/policy-bar.tsx'
import { PolicySwitch } from '../parts/policy-switch.tsx'
import { ProfileFilter } from '../parts/profile-filter.tsx'
import { SearchField } from '../parts/search-field.tsx'
import { counted } from '../words/numbers.ts'
import { EVERY_OLDER, limitWords } from '../words/policies.ts'
import { CloudNames } from './policy/cloud-names.tsx'
import './policy/policy.css'

type Policy = ItemOf<'listPolicies'>
type Row = Policy & { readonly id: string }

const COLUMNS: readonly Column<Row>[] = [
  {
    key: 'release',
    head: 'Release',
    cell: ({ release: { title, version }, cloudIds }) => (
      <>
        <span className="strong">
          {title} <span className="mono">{version}</span>
        </span>
        {cloudIds.length > 0 && (
          <span className="policy-clouds">
            <IconCloud size={14} aria-hidden /> only <CloudNames ids={cloudIds} />
          </span>
        )}
      </>
    ),
  },
  { key: 'profile', head: 'Profile', width: '14%', rank: 2, cell: ({ profile }) => profile },
  {
    key: 'expression',
    head: 'For devices for which',
    rank: 1,
    cell: ({ expression }) =>
      expression === '' ? (
        EVERY_OLDER
      ) : (
        <code className="mono" title={expression}>
          {expression}
        </code>
      ),
  },
  {
    key: 'limits',
    head: 'At most',
    width: '200px',
    rank: 3,
    cell: ({ limits }) => {
      const words = limitWords(limits).join(', ')
      return words ? <span title={words}>{words}</span> : <span className="quiet">no limit</span>
    },
  },
  {
    key: 'counts',
    head: 'Offered',
    width: '190px',
    rank: 1,
    cell: ({ counts }) => (
      <div className="policy-progress">
        <PolicyBar counts={counts} />
        <span className="quiet figure">
          {counted(counts.offered)} of {counted(counts.population)}
        </span>
      </div>
    ),
  },
  {
    key: 'enabled',
    head: 'Enabled',
    width: '116px',
    cell: (policy) => <PolicySwitch policy={policy} />,
  },
]

const SWITCHES = [
  { value: 'true', label: 'enabled' },
  { value: 'false', label: 'switched off' },
] as const

export function Policies() {
  const { state, change } = useListState()
  const navigate = useNavigate()
  const may = useMay()
  const { releaseId } = useParams({ strict: false }) as { releaseId?: string }
  const isEnabled = SWITCHES.find(({ value }) => value === state.enabled)?.value
  const query = useInfiniteQuery({
    ...list('policies', 'listPolicies', {
      query: { search: state.search, profile: state.profile, isEnabled, limit: 100 },
    }),
    select: rowsBy(({ release }: Policy) => release.id),
  })
  const isFiltered = Boolean(state.search || state.profile || isEnabled)
  const add = (
    <LinkButton to="/policies/new" leftSection={<IconPlus size={16} />}>
      New policy
    </LinkButton>
  )
  return (
    <Page title="Policies" fills actions={may('policy.write') && add}>
      <Group gap="xs" className="filters">
        <SearchField label="Search policies" placeholder="Search packages" />
        <ProfileFilter />
        <Select
          aria-label="Enabled"
          placeholder="Enabled or not"
          data={[...SWITCHES]}
          value={isEnabled ?? null}
          onChange={(enabled) => change({ enabled: enabled ?? undefined })}
          clearable
        />
      </Group>
      <DataTable
        label="Policies"
        query={query}
        columns={COLUMNS}
        openId={releaseId}
        onOpen={({ id }) => void navigate({ href: `/policies/${id}${location.search}` })}
        empty={
          isFiltered ? (
            <Empty Icon={IconSearch} title="No policy is like that">
              Take a filter away to see more.
            </Empty>
          ) : (
            <Empty
              Icon={IconTargetArrow}
              title="No policies yet"
              action={may('policy.write') && add}
            >
              With a policy a release says for itself which devices it is for. Each device tells
              what it is when it checks in, and gets the newest release that fits.
            </Empty>
          )
        }
      />
      <Outlet />
    </Page>
  )
}
