/** The dialog for things that have nothing but a name. */
import { type ReactNode, useState } from 'react'
import { Dialog } from '../../parts/dialog.tsx'
import { NameField } from '../../parts/name-field.tsx'

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
    <Dialog
      title={title}
      verb={verb}
      isBusy={isBusy}
      onSubmit={() => onSubmit(name)}
      onClose={onClose}
    >
      <NameField label={label} value={name} onChange={setName} />
      {children}
    </Dialog>
  )
}
