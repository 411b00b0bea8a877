/** Maintenance windows, read while they are typed: what they mean, and when the next one opens. */
import { TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useNow } from '../words/clock.ts'
import { readWindows } from '../words/windows.ts'
import './windows-field.css'

const TYPING_MS = 500

export function WindowsField({
  description,
  tellsMistakes = false,
  mayPass = false,
  value,
  onChange,
}: {
  description: string
  /** Where nobody else does. */
  tellsMistakes?: boolean
  /** They may be over some day. */
  mayPass?: boolean
  value: string
  onChange: (text: string) => void
}) {
  const now = useNow()
  // What is half written is not called a mistake.
  const [settled] = useDebouncedValue(value, TYPING_MS)
  const read = readWindows(value, now, { mayPass })
  const isMistake = read !== null && 'mistake' in read
  return (
    <div>
      <TextInput
        label="Maintenance windows"
        description={description}
        placeholder="Mon-Fri 22:00-04:00 Europe/Berlin; Sat 00:00-24:00"
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        error={tellsMistakes && isMistake && settled === value && read.mistake}
      />
      {read && !isMistake && (
        <div className="quiet windows-read" role="status">
          {read.lines.map((line) => (
            <div key={line}>{line}</div>
          ))}
          <div>{read.next}</div>
        </div>
      )}
    </div>
  )
}
