import { Tooltip } from '@mantine/core'
import { useNow } from '../words/clock.ts'
import { exactTime, fromNow } from '../words/time.ts'

/** How long ago, with the exact time on hover; a dash for never. */
export function TimeAgo({ at, never = '—' }: { at: string | null; never?: string }) {
  const now = useNow()
  if (at === null) return <span className="quiet">{never}</span>
  const time = new Date(at)
  return (
    <Tooltip label={exactTime(time)}>
      <time dateTime={at}>{fromNow(time, now)}</time>
    </Tooltip>
  )
}
