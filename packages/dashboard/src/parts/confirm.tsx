/** Asks before what cannot be undone, in the words of what will happen. */
import { Button, Group, Modal, Stack } from '@mantine/core'
import type { ReactNode } from 'react'

export interface Question {
  readonly title: string
  readonly body: ReactNode
  /** A verb. */
  readonly yes: string
  readonly isDangerous?: boolean
  readonly onYes: () => void
}

export function Confirm({
  question,
  isBusy = false,
  onClose,
}: {
  question: Question | null
  isBusy?: boolean
  onClose: () => void
}) {
  return (
    <Modal opened={question !== null} onClose={onClose} title={question?.title}>
      {question && (
        <Stack>
          <div>{question.body}</div>
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Leave it
            </Button>
            <Button
              color={question.isDangerous ? 'red' : undefined}
              loading={isBusy}
              onClick={question.onYes}
              data-autofocus
            >
              {question.yes}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  )
}
