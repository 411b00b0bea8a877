/** What stands around every page: the rail with the places, and the bar with search, line and person. */
import { AppShell, Burger, Group } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useLive } from '../data/live.ts'
import { LineIndicator } from './line-indicator.tsx'
import { PersonMenu } from './person-menu.tsx'
import { Rail } from './rail.tsx'
import { SchemeSwitch } from './scheme-switch.tsx'
import { Search } from './search.tsx'
import './frame.css'

export function Frame() {
  useLive()
  const [isOpen, rail] = useDisclosure()
  const path = useRouterState({ select: ({ location }) => location.pathname })
  // biome-ignore lint/correctness/useExhaustiveDependencies: having gone somewhere closes the rail
  useEffect(rail.close, [path])

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="lg"
    >
      <AppShell.Header className="bar">
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger
            opened={isOpen}
            onClick={rail.toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label="Places"
          />
          <Search />
          <Group gap="xs" ml="auto" wrap="nowrap">
            <LineIndicator />
            <SchemeSwitch />
            <PersonMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className="rail" p="sm">
        <Rail />
      </AppShell.Navbar>
      <AppShell.Main className="main">
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}
