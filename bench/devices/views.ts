// What the dashboard asks of the device table, and a fleet that differs enough for it.

import type { createClient } from '../../packages/api/src/client.ts'

type Api = ReturnType<typeof createClient>

/** Some were seen, some belong to a customer, some have labels, and every fourth has an update that came to something. */
export const VARIETY = [
  `insert into customers (id, tenant_id, name, created_at) select gen_random_uuid(), id, 'works', now() from tenants`,
  `update device_presence set dialect = 'thingsboard',
      last_seen_at = now() - make_interval(secs => ('x' || left(md5(device_id::text), 5))::bit(20)::int)
    where left(device_id::text, 1) < 'c'`,
  `update devices set labels = case when name like '%7' then array['seven'] else '{}' end,
      customer_id = case when name like '%99' then (select id from customers) end
    where name like '%7' or name like '%99'`,
  `insert into operations (id, tenant_id, device_id, release_id, type, title, version, state, progress_percent,
      origin_code, origin_message, because_code, because_message, restarts, opened_at, changed_at, ended_at)
    select gen_random_uuid(), d.tenant_id, d.id, r.id, r.type, r.title, r.version, s.state, 0,
        'assignment.profile', '', 'assignment.profile', '', 0, now(), now(),
        case when s.state in ('UPDATED', 'FAILED') then now() end
      from devices d join releases r on r.version = '2.0.0',
           lateral (select (array['QUEUED', 'DOWNLOADING', 'UPDATED', 'UPDATED', 'UPDATED', 'FAILED'])
             [1 + ('x' || left(md5(d.name), 4))::bit(16)::int % 6] as state) s
     where d.name like '%1' or d.name like '%3' or d.name like '%55'`,
  `update device_components c set operation_id = o.id, operation_state = o.state
      from operations o where o.device_id = c.device_id`,
  'vacuum analyze',
]

export async function viewsOf(api: Api) {
  const first = await api('listDevices', { query: { limit: 50 } })
  const [release] = (await api('listReleases', { query: { title: 'app', sort: '-version' } })).items
  type Query = NonNullable<Parameters<typeof api<'listDevices'>>[1]>['query']
  const list = (name: string, query: Query) => ({
    name,
    ask: async (): Promise<unknown> => api('listDevices', { query: { limit: 50, ...query } }),
  })
  const count = (name: string, query: Query) => ({
    name: `count ${name}`,
    ask: async (): Promise<unknown> => api('countDevices', { query }),
  })
  const filters: [string, Query][] = [
    ['all', {}],
    ['search, few', { search: 'bench-9999' }],
    ['search, many', { search: '7' }],
    ['search, none', { search: 'not there' }],
    ['profile', { profile: 'sensor' }],
    ['customer', { customer: 'works' }],
    ['label', { label: 'seven' }],
    ['state', { state: 'FAILED' }],
    ['release', { releaseId: release?.id }],
  ]
  return [
    ...['name', '-name', 'createdAt', '-createdAt', 'profile', '-lastSeenAt', 'lastSeenAt'].map(
      (sort) => list(`sort ${sort}`, { sort }),
    ),
    list('second page', { cursor: first.nextCursor ?? undefined }),
    ...filters.map(([name, query]) => list(name, query)),
    ...filters.map(([name, query]) =>
      list(`${name}, last seen`, { ...query, sort: '-lastSeenAt' }),
    ),
    ...filters.map(([name, query]) => count(name, query)),
  ]
}
