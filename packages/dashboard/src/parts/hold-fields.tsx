/** Why nothing is to be changed on a box, and until when. */
import { TextInput } from '@mantine/core'
import { localTime } from '../words/time.ts'

export interface Hold {
  readonly reason: string
  /** Null: until somebody says so. */
  readonly until: string | null
}

export const NO_REASON: Hold = { reason: '', until: null }

export function HoldFields({ hold, onChange }: { hold: Hold; onChange: (to: Hold) => void }) {
  return (
    <>
      <TextInput
        label="Reason"
        description="People at the box read it."
        placeholder="Stocktaking"
        maxLength={255}
        value={hold.reason}
        onChange={(event) => onChange({ ...hold, reason: event.currentTarget.value })}
        required
        data-autofocus
      />
      <TextInput
        type="datetime-local"
        label="Until"
        description="Left empty, until somebody releases it."
        value={hold.until === null ? '' : localTime(hold.until)}
        onChange={(event) => {
          const { value } = event.currentTarget
          onChange({ ...hold, until: value === '' ? null : new Date(value).toISOString() })
        }}
        className="short-field"
      />
    </>
  )
}
