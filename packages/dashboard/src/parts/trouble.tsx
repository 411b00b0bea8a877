/** What went wrong, in the server's words, and what to do about it. */
import { Alert, Button, Group } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconAlertTriangle } from '@tabler/icons-react'
import { ApiError } from '@updraft/api/client'

export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message
  // fetch throws a TypeError when nobody answers.
  if (error instanceof Error && !(error instanceof TypeError)) return error.message
  return 'The server cannot be reached. What is shown may be old.'
}

export function Trouble({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle />} role="alert">
      <Group justify="space-between" wrap="nowrap">
        {messageOf(error)}
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  )
}

/** For what a person asked for that was refused. */
export const tellTrouble = (error: unknown): void => {
  notifications.show({ color: 'red', title: 'Not done', message: messageOf(error) })
}

export const tellDone = (message: string): void => {
  notifications.show({ color: 'green', message })
}
