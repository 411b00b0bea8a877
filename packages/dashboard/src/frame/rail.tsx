import { Group, Text } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { Link, useNavigate } from '@tanstack/react-router'
import { useRef } from 'react'
import { useMay } from '../data/session.ts'
import { PLACES } from '../places.ts'
import { Mark } from './mark.tsx'
import { WaitingCount } from './waiting-count.tsx'

/** Between g and the letter of a place. */
const CHORD_MS = 1_000

export function Rail() {
  const may = useMay()
  const places = PLACES.filter(({ permission }) => permission === null || may(permission))
  const navigate = useNavigate()
  const begunAt = useRef(0)
  useHotkeys([
    ['g', () => (begunAt.current = Date.now())],
    ...places.map(({ key, to }): [string, () => void] => [
      key,
      () => {
        if (Date.now() - begunAt.current < CHORD_MS) void navigate({ to })
      },
    ]),
  ])

  return (
    <>
      <Group gap="xs" px="xs" pb="md" pt={2}>
        <Mark size={26} />
        <Text fw={600}>Updraft</Text>
      </Group>
      <nav aria-label="Places">
        {places.map(({ to, label, Icon }) => (
          <Link
            key={to}
            to={to}
            className="place"
            activeOptions={{ exact: to === '/' }}
            activeProps={{ 'aria-current': 'page' }}
          >
            <Icon size={18} stroke={1.7} aria-hidden />
            {label}
            {to === '/waiting' && <WaitingCount />}
          </Link>
        ))}
      </nav>
    </>
  )
}
