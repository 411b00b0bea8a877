import { Button, Text } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { plural } from '../words/numbers.ts'
import './bulk-bar.css'

/** Floats over a list while some of its devices are selected: what can be done with them. */
export function BulkBar({
  count,
  onClear,
  children,
}: {
  count: number
  onClear: () => void
  children: ReactNode
}) {
  return (
    <div className="bulk" role="toolbar" aria-label="Selected devices">
      <Text size="sm" fw={600}>
        {plural(count, 'device')}
      </Text>
      {children}
      <Button
        size="xs"
        variant="subtle"
        color="gray"
        leftSection={<IconX size={14} />}
        onClick={onClear}
      >
        Select none
      </Button>
    </div>
  )
}
