import { useQuery } from '@tanstack/react-query'
import { read } from '../data/queries.ts'

/** More are not counted: it says that somebody is there. */
const MOST = 20
const LOOK_AGAIN_MS = 60_000

/** How many devices wait to be claimed; nothing when none do. */
export function WaitingCount() {
  const { data } = useQuery({
    ...read('registrations', 'listWaitingDevices', { query: { limit: MOST } }),
    refetchInterval: LOOK_AGAIN_MS,
  })
  const count = data?.items.length ?? 0
  if (count === 0) return null
  return (
    <span className="place-count figure">
      {count}
      {data?.nextCursor && '+'}
      <span className="visually-hidden"> wait</span>
    </span>
  )
}
