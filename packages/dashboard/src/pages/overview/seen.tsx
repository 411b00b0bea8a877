import { Skeleton } from '@mantine/core'
import type { Output } from '@updraft/api/client'
import { counted } from '../../words/numbers.ts'

/** When devices were last heard of. */
export function Seen({ seen }: { seen: Output<'overview'>['seen'] | undefined }) {
  if (!seen) return <Skeleton height={60} />
  return (
    <dl className="seen">
      <dt>within a day</dt>
      <dd>{counted(seen.recently)}</dd>
      <dt>longer ago</dt>
      <dd>{counted(seen.earlier)}</dd>
      <dt>never</dt>
      <dd>{counted(seen.never)}</dd>
    </dl>
  )
}
