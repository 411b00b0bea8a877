/** What other components have to run for a release: one a line, until there are no more. */
import { ActionIcon, Autocomplete, Button, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { BOX_LAYERS } from '@updraft/core'
import type { Need } from './draft.ts'

const EMPTY: Need = { type: '', wanted: '' }

export function NeedsFields({
  needs,
  error,
  onChange,
}: {
  needs: readonly Need[]
  error: string | false | undefined
  onChange: (needs: readonly Need[]) => void
}) {
  const set = (at: number, to: Partial<Need>) =>
    onChange(needs.map((need, index) => (index === at ? { ...need, ...to } : need)))
  return (
    <fieldset className="needs">
      <legend>Needs</legend>
      <div className="needs-about">
        What other components of the device have to run before it is given this.
      </div>
      {needs.map(({ type, wanted }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is what stands there, and has no other name
        <div key={index} className="need">
          <Autocomplete
            aria-label={`Need ${index + 1}: component`}
            placeholder="image"
            data={[...BOX_LAYERS]}
            value={type}
            onChange={(to) => set(index, { type: to })}
          />
          <TextInput
            aria-label={`Need ${index + 1}: version`}
            placeholder=">= 24.10"
            value={wanted}
            onChange={(event) => set(index, { wanted: event.currentTarget.value })}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Take need ${index + 1} away`}
            onClick={() => onChange(needs.filter((_, at) => at !== index))}
          >
            <IconX size={16} />
          </ActionIcon>
        </div>
      ))}
      {error && (
        <div className="needs-error" role="alert">
          {error}
        </div>
      )}
      <Button
        variant="default"
        size="xs"
        leftSection={<IconPlus size={14} />}
        onClick={() => onChange([...needs, EMPTY])}
      >
        Add a need
      </Button>
    </fieldset>
  )
}
