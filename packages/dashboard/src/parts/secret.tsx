import { Alert, Button, Modal, Stack } from '@mantine/core'
import { Copyable } from './copyable.tsx'

/** A secret that is shown this once. */
export function Secret({
  title,
  secret,
  what,
  onClose,
}: {
  title: string
  secret: string
  /** Password, token, … */
  what: string
  onClose: () => void
}) {
  return (
    <Modal opened onClose={onClose} title={title} closeOnClickOutside={false}>
      <Stack>
        <Alert color="green">This {what} is shown once. Keep it now.</Alert>
        <Copyable text={secret} what={what} />
        <Button onClick={onClose}>I have it</Button>
      </Stack>
    </Modal>
  )
}
