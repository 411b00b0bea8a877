/** Adds a group, or changes one: its name, and the expression its devices meet. */
import { useNavigate } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { ExpressionField } from '../../parts/expression-field.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { mistakeIn } from '../../words/mistake.ts'
import { HandleField, handleFor } from './handle-field.tsx'

const NOUNS = ['groups'] as const

export function GroupDialog({
  group,
  onClose,
}: {
  /** None adds one. */
  group?: Output<'showGroup'>
  onClose: () => void
}) {
  const navigate = useNavigate()
  const [name, setName] = useState(group?.name ?? '')
  const [handle, setHandle] = useState(group?.handle ?? '')
  const [expression, setExpression] = useState(group?.expression ?? '')
  const create = useChange('createGroup', { touches: NOUNS })
  const change = useChange('changeGroup', { touches: NOUNS, done: 'Changed.' })
  const body = { name, handle, expression }
  return (
    <Dialog
      title={group ? `Change ${group.name}` : 'Add a group'}
      verb={group ? 'Change' : 'Add the group'}
      size="lg"
      isBusy={create.isPending || change.isPending}
      isIncomplete={mistakeIn(expression) !== null}
      onSubmit={() =>
        group
          ? change.mutate({ params: { id: group.id }, body }, { onSuccess: onClose })
          : create.mutate(
              { body },
              { onSuccess: ({ id }) => void navigate({ to: `/groups/${id}` }) },
            )
      }
      onClose={onClose}
    >
      <NameField
        placeholder="Beta testers"
        value={name}
        onChange={(to) => {
          if (!group && (handle === '' || handle === handleFor(name))) setHandle(handleFor(to))
          setName(to)
        }}
      />
      <HandleField value={handle} onChange={setHandle} />
      <ExpressionField value={expression} onChange={setExpression} />
    </Dialog>
  )
}
