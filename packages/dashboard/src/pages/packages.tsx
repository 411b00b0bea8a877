/** All releases of all packages, as a repository: found, opened, added. */
import { Button, Group } from '@mantine/core'
import { IconExternalLink, IconPackage, IconPlus, IconSearch } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { type ItemOf, list } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { addedColumn } from '../parts/columns.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { ProfileFilter } from '../parts/profile-filter.tsx'
import { SearchField } from '../parts/search-field.tsx'
import { size } from '../words/numbers.ts'
import { AddRelease } from './release/add.tsx'

type Release = ItemOf<'listReleases'>

const COLUMNS: readonly Column<Release>[] = [
  {
    key: 'title',
    head: 'Title',
    sort: 'title',
    cell: ({ title }) => <span className="strong">{title}</span>,
  },
  {
    key: 'version',
    head: 'Version',
    sort: 'version',
    cell: ({ version }) => <span className="mono">{version}</span>,
  },
  { key: 'type', head: 'Type', sort: 'type', width: '120px', rank: 2, cell: ({ type }) => type },
  { key: 'profile', head: 'Profile', rank: 1, cell: ({ profile }) => profile },
  {
    key: 'file',
    head: 'File',
    rank: 3,
    cell: ({ fileName, url }) =>
      url === null ? (
        (fileName ?? <span className="quiet">unnamed</span>)
      ) : (
        <span title={url}>
          <IconExternalLink size={14} aria-label="kept elsewhere" /> {url}
        </span>
      ),
  },
  {
    key: 'size',
    head: 'Size',
    sort: 'sizeBytes',
    width: '100px',
    isNumeric: true,
    rank: 2,
    cell: ({ sizeBytes }) => (sizeBytes === null ? '—' : size(sizeBytes)),
  },
  addedColumn({ sort: 'createdAt', rank: 1 }),
]

export function Packages() {
  const { state, change } = useListState()
  const navigate = useNavigate()
  const may = useMay()
  const { releaseId } = useParams({ strict: false }) as { releaseId?: string }
  const sort = state.sort ?? '-createdAt'
  const query = useInfiniteQuery(
    list('releases', 'listReleases', {
      query: { search: state.search, profile: state.profile, type: state.type, sort, limit: 100 },
    }),
  )
  const isFiltered = Boolean(state.search || state.profile || state.type)
  const isAdding = state.add !== undefined && may('release.write')
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => change({ add: 'file' })}>
      Add a package
    </Button>
  )

  return (
    <Page title="Packages" fills actions={may('release.write') && add}>
      <Group gap="xs" className="filters">
        <SearchField label="Search packages" placeholder="Search titles" />
        <ProfileFilter />
      </Group>
      <DataTable
        label="Packages"
        query={query}
        columns={COLUMNS}
        sort={sort}
        onSort={(wanted) => change({ sort: wanted })}
        openId={releaseId}
        onOpen={({ id }) => void navigate({ href: `/packages/${id}${location.search}` })}
        empty={
          isFiltered ? (
            <Empty Icon={IconSearch} title="No package is like that">
              Take a filter away to see more.
            </Empty>
          ) : (
            <Empty Icon={IconPackage} title="No packages yet" action={may('release.write') && add}>
              A package is what devices install: a file with a title and a version, made for one
              profile.
            </Empty>
          )
        }
      />
      {isAdding && <AddRelease onClose={() => change({ add: undefined })} />}
      <Outlet />
    </Page>
  )
}
