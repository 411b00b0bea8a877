/** What a person, a tenant and an installation can set; what one may not is not shown. */
import { Tabs } from '@mantine/core'
import type { Permission } from '@updraft/core'
import type { ReactNode } from 'react'
import { useMay } from '../data/session.ts'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { Account } from './settings/account.tsx'
import { Clouds } from './settings/clouds.tsx'
import { Customers } from './settings/customers.tsx'
import { People } from './settings/people.tsx'
import { Tenants } from './settings/tenants.tsx'
import { Tokens } from './settings/tokens.tsx'
import { Updates } from './settings/updates.tsx'

interface Part {
  readonly key: string
  readonly label: string
  readonly permission: Permission | null
  readonly page: ReactNode
}

const PARTS: readonly Part[] = [
  { key: 'account', label: 'You', permission: null, page: <Account /> },
  { key: 'tokens', label: 'API tokens', permission: null, page: <Tokens /> },
  { key: 'updates', label: 'Updates', permission: 'settings.read', page: <Updates /> },
  { key: 'people', label: 'People', permission: 'account.read', page: <People /> },
  { key: 'customers', label: 'Customers', permission: 'customer.read', page: <Customers /> },
  { key: 'clouds', label: 'Clouds', permission: 'cloud.read', page: <Clouds /> },
  { key: 'tenants', label: 'Tenants', permission: 'tenant.read', page: <Tenants /> },
]

export function Settings() {
  const may = useMay()
  const { state, change } = useListState()
  const parts = PARTS.filter(({ permission }) => permission === null || may(permission))
  const open = parts.find(({ key }) => key === state.part)?.key ?? 'account'
  return (
    <Page title="Settings">
      <Tabs
        value={open}
        onChange={(part) => change({ part: part ?? undefined })}
        keepMounted={false}
      >
        <Tabs.List mb="lg" className="tabs-line">
          {parts.map(({ key, label }) => (
            <Tabs.Tab key={key} value={key}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {parts.map(({ key, page }) => (
          <Tabs.Panel key={key} value={key}>
            {page}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  )
}
