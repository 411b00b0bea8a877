/** The dialog for things that have nothing but a name. */
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'

export function NameDialog({
  title,
  label = 'Name',
  initial = '',
  verb,
  isBusy,
  onSubmit,
  onClose,
  children,
}: {
  title: string
  label?: string
  initial?: string
  /** What the button says. */
  verb: string
  isBusy: boolean
  onSubmit: (name: string) => void
  onClose: () => void
  children?: ReactNode
}) {
  const [name, setName] = useState(initial)
  return (
    <Modal opened onClose={onClose} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          onSubmit(name)
        }}
      >
        <Stack>
          <TextInput
            label={label}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={255}
            required
            data-autofocus
          />
          {children}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Leave it
            </Button>
            <Button type="submit" loading={isBusy}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
