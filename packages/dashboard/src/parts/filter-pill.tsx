import { Pill } from '@mantine/core'
import type { ReactNode } from 'react'

/** A filter that a link brought along: it is there while it has a value, and can only be taken off. */
export function FilterPill({
  value,
  onRemove,
  children,
}: {
  value: string | undefined
  onRemove: () => void
  children: ReactNode
}) {
  if (!value) return null
  return (
    <Pill size="lg" withRemoveButton onRemove={onRemove}>
      {children}
    </Pill>
  )
}
