/** How an update is to be brought: compact, and as ever unless something is chosen. */
import { Collapse, Select, Stack, TextInput } from '@mantine/core'
import { type Handling, PROOFS_OF_LIFE, type ProofOfLife, STANDARD_HANDLING } from '@updraft/core'
import { PROOFS } from '../words/handling.ts'
import { localTime } from '../words/time.ts'
import { WindowsField } from './windows-field.tsx'

const WAYS = [
  { value: 'usual', label: 'As usual for the profile' },
  { value: 'forced', label: 'The device must' },
  { value: 'soft', label: 'When the device likes' },
  { value: 'later', label: 'When it likes, and it must from a time on' },
  { value: 'download', label: 'Only download, install nothing' },
] as const
type Way = (typeof WAYS)[number]['value']

type Brought = Omit<Handling, 'windows'>
type Told = Omit<Brought, 'confirmedBy'>

const TOMORROW_MS = 86_400_000

function wayOf({ urgency, forcedFrom, isDownloadOnly }: Told): Way {
  if (isDownloadOnly) return 'download'
  if (forcedFrom !== null) return 'later'
  return urgency ?? 'usual'
}

function toldBy(way: Way): Told {
  const { urgency, forcedFrom, isDownloadOnly } = STANDARD_HANDLING
  const usual = { urgency, forcedFrom, isDownloadOnly }
  switch (way) {
    case 'usual':
      return usual
    case 'forced':
    case 'soft':
      return { ...usual, urgency: way }
    case 'later':
      return {
        ...usual,
        urgency: 'soft',
        forcedFrom: new Date(Date.now() + TOMORROW_MS).toISOString(),
      }
    case 'download':
      return { ...usual, isDownloadOnly: true }
  }
}

/** Without windows, which what it stands in has by itself. */
export function UrgencyField({
  value,
  onChange,
}: {
  value: Brought
  onChange: (to: Brought) => void
}) {
  const way = wayOf(value)
  return (
    <Stack gap="xs">
      <Select
        label="Handling"
        description="Told to devices of hawkBit's; all others do it as ever, and what is only to be downloaded they are not given."
        data={[...WAYS]}
        value={way}
        onChange={(to) => onChange({ ...value, ...toldBy((to ?? 'usual') as Way) })}
        allowDeselect={false}
      />
      <Collapse expanded={way === 'later'}>
        <TextInput
          type="datetime-local"
          label="It must from"
          value={value.forcedFrom === null ? '' : localTime(value.forcedFrom)}
          onChange={(event) => {
            const at = new Date(event.currentTarget.value)
            if (!Number.isNaN(at.getTime())) onChange({ ...value, forcedFrom: at.toISOString() })
          }}
          className="short-field"
        />
      </Collapse>
      <Collapse expanded={way !== 'download'}>
        <Select
          label="It counts"
          description="For devices of hawkBit's, some of which report before they have restarted."
          placeholder="As usual for the profile"
          data={PROOFS_OF_LIFE.map((each) => ({ value: each, label: PROOFS[each] }))}
          value={value.confirmedBy}
          onChange={(to) => onChange({ ...value, confirmedBy: to as ProofOfLife | null })}
          clearable
        />
      </Collapse>
    </Stack>
  )
}

export function HandlingField({
  value,
  onChange,
}: {
  value: Handling
  onChange: (to: Handling) => void
}) {
  return (
    <Stack gap="sm">
      <UrgencyField value={value} onChange={(to) => onChange({ ...value, ...to })} />
      <WindowsField
        description="When it may begin; what has begun goes on after it closes. Empty for any time."
        mayPass
        tellsMistakes
        value={value.windows}
        onChange={(windows) => onChange({ ...value, windows })}
      />
    </Stack>
  )
}
