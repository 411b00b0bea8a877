import { ActionIcon, TextInput, Tooltip } from '@mantine/core'
import { IconDice5 } from '@tabler/icons-react'
import { astarteIdOf } from '@updraft/core'
import { newAstarteId } from '../words/astarte.ts'

/** The id of a device to Astarte: its own, or one that is made up. */
export function AstarteIdField({
  value,
  onChange,
}: {
  value: string
  onChange: (id: string) => void
}) {
  return (
    <TextInput
      label="Device id"
      description="Of Astarte: 128 bits in base64url, 22 characters. The device has it already, or one is made up."
      error={value !== '' && astarteIdOf(value) === null && 'That is no id of Astarte’s.'}
      placeholder="ABEiM0RVZneImaq7zN3u_w"
      value={value}
      onChange={(event) => onChange(event.currentTarget.value.trim())}
      maxLength={255}
      required
      spellCheck={false}
      classNames={{ input: 'mono' }}
      rightSection={
        <Tooltip label="Make one up">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label="Make an id up"
            onClick={() => onChange(newAstarteId())}
          >
            <IconDice5 size={18} />
          </ActionIcon>
        </Tooltip>
      }
    />
  )
}
