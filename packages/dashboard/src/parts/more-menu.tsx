/** What can be done with a thing as a whole; removing it comes last and is asked about. */
import { ActionIcon, Menu } from '@mantine/core'
import { IconDots, IconTrash } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useState } from 'react'
import { Confirm } from './confirm.tsx'

export function MoreMenu({
  label = 'More',
  removal,
  children,
}: {
  label?: string
  /** Absent where it cannot be removed now. */
  removal?: {
    readonly what: string
    /** The question's title: which one. */
    readonly title: string
    /** What goes with it, and what stays. */
    readonly body: string
    readonly isBusy: boolean
    /** Calls back when it is over, however it went. */
    readonly onYes: (over: () => void) => void
  }
  /** Items of the menu above the removal. */
  children?: ReactNode
}) {
  const [isAsked, setAsked] = useState(false)
  const over = () => setAsked(false)
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={label}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {children}
          {removal && (
            <Menu.Item
              color="red"
              leftSection={<IconTrash size={16} />}
              onClick={() => setAsked(true)}
            >
              Remove
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Confirm
        question={
          isAsked && removal
            ? {
                title: removal.title,
                body: removal.body,
                yes: `Remove the ${removal.what}`,
                isDangerous: true,
                onYes: () => removal.onYes(over),
              }
            : null
        }
        isBusy={removal?.isBusy}
        onClose={over}
      />
    </>
  )
}
