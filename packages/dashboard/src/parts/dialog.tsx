import { Button, Group, Modal, type ModalProps, Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import './dialog.css'

/** A form over the page: fields, and a verb that does it. */
export function Dialog({
  title,
  verb,
  isBusy = false,
  isIncomplete = false,
  isVerbFirst = false,
  note,
  status,
  className,
  onSubmit,
  onClose,
  children,
  ...window
}: {
  title: string
  /** What the button says. */
  verb: string
  isBusy?: boolean
  /** Something is still to be filled in. */
  isIncomplete?: boolean
  /** All is chosen already: the verb is what is pressed next. */
  isVerbFirst?: boolean
  /** Beside the buttons: what to know before pressing. */
  note?: ReactNode
  /** Below them: what has come of it so far. */
  status?: ReactNode
  className?: string
  onSubmit: () => void
  onClose: () => void
  children: ReactNode
} & Pick<ModalProps, 'size' | 'fullScreen' | 'closeOnClickOutside'>) {
  return (
    <Modal opened onClose={onClose} title={title} {...window}>
      <form
        className={className}
        onSubmit={(event) => {
          event.preventDefault()
          onSubmit()
        }}
      >
        <Stack>
          {children}
          <div className="dialog-end">
            {note}
            <Group className="dialog-buttons" gap="xs" wrap="nowrap">
              <Button variant="default" onClick={onClose}>
                Leave it
              </Button>
              <Button
                type="submit"
                loading={isBusy}
                disabled={isIncomplete}
                data-autofocus={isVerbFirst || undefined}
              >
                {verb}
              </Button>
            </Group>
            {status}
          </div>
        </Stack>
      </form>
    </Modal>
  )
}
