import { Button, Group, Modal, Stack } from '@mantine/core'
import type { ReactNode } from 'react'

/** A form over the page: fields, and a verb that does it. */
export function Dialog({
  title,
  verb,
  isBusy = false,
  isIncomplete = false,
  onSubmit,
  onClose,
  children,
}: {
  title: string
  /** What the button says. */
  verb: string
  isBusy?: boolean
  /** Something is still to be filled in. */
  isIncomplete?: boolean
  onSubmit: () => void
  onClose: () => void
  children: ReactNode
}) {
  return (
    <Modal opened onClose={onClose} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          onSubmit()
        }}
      >
        <Stack>
          {children}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Leave it
            </Button>
            <Button type="submit" loading={isBusy} disabled={isIncomplete}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
