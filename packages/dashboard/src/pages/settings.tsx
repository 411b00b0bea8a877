/** What a person, a tenant and an installation can set; what one may not is not shown. */
import { Tabs } from '@mantine/core'
import { useNavigate, useParams } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef } from 'react'
import { useMay } from '../data/session.ts'
import { Page } from '../parts/page.tsx'
import { SETTINGS_PLACES, type SettingsPart } from '../places.ts'
import { Account } from './settings/account.tsx'
import { Clouds } from './settings/clouds.tsx'
import { Customers } from './settings/customers.tsx'
import { People } from './settings/people.tsx'
import { Realm } from './settings/realm.tsx'
import { Tenants } from './settings/tenants.tsx'
import { Tokens } from './settings/tokens.tsx'
import { Updates } from './settings/updates.tsx'

const PAGES: Readonly<Record<SettingsPart, ReactNode>> = {
  account: <Account />,
  tokens: <Tokens />,
  updates: <Updates />,
  people: <People />,
  customers: <Customers />,
  clouds: <Clouds />,
  realm: <Realm />,
  tenants: <Tenants />,
}

export function Settings() {
  const may = useMay()
  const navigate = useNavigate()
  const { part: wanted } = useParams({ strict: false }) as { part?: string }
  const places = SETTINGS_PLACES.filter(({ permission }) => permission === null || may(permission))
  const open = places.find(({ part }) => part === wanted)?.part ?? 'account'
  const line = useRef<HTMLDivElement>(null)
  // On a phone the tabs are longer than the line.
  useEffect(() => {
    const tab = line.current?.querySelector(`[data-part="${open}"]`)
    tab?.scrollIntoView({ inline: 'nearest', block: 'nearest' })
  }, [open])
  return (
    <Page title="Settings">
      <Tabs
        value={open}
        onChange={(part) =>
          void navigate({ to: '/settings/$part', params: { part: part ?? 'account' } })
        }
        keepMounted={false}
      >
        <Tabs.List ref={line} mb="lg" className="tabs-line">
          {places.map(({ part, label }) => (
            <Tabs.Tab key={part} value={part} data-part={part}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {places.map(({ part }) => (
          <Tabs.Panel key={part} value={part}>
            {PAGES[part]}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  )
}
