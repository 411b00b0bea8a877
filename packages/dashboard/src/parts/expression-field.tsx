/** An expression over devices: read while it is typed, its mistake shown where it is, and whom it means. */
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { read } from '../data/queries.ts'
import { counted, plural } from '../words/numbers.ts'
import { type Example, ExpressionInput } from './expression-input.tsx'
import { messageOf } from './trouble.tsx'

const TYPING_MS = 300

const EXAMPLES: readonly Example[] = [
  ['All devices', 'true'],
  ['With a label', '"beta" in labels'],
  ['By name', 'name.startsWith("gateway-")'],
  ['By version', 'versionMatches(installed.firmware.version, "< 2.0.0")'],
]

export function ExpressionField({
  value,
  onChange,
  profile,
  label,
}: {
  value: string
  onChange: (text: string) => void
  /** Only devices of it count. */
  profile?: string
  label?: string
}) {
  return (
    <ExpressionInput
      label={label}
      description="Those devices for which it holds, such as those with a label."
      placeholder={'"beta" in labels'}
      examples={EXAMPLES}
      value={value}
      onChange={onChange}
    >
      <Holds expression={value} profile={profile} />
    </ExpressionInput>
  )
}

function Holds({ expression, profile }: { expression: string; profile?: string }) {
  const whole =
    profile === undefined ? expression : `(${expression}) && profile == ${JSON.stringify(profile)}`
  const [asked] = useDebouncedValue(whole, TYPING_MS)
  const { data, error, isPlaceholderData } = useQuery({
    ...read('devices', 'previewGroup', { body: { expression: asked } }),
    retry: false,
  })
  if (error) return <p className="expression-holds">{messageOf(error)}</p>
  if (!data || isPlaceholderData || asked !== whole) {
    return <p className="expression-holds quiet">Counting…</p>
  }
  const { count, sample } = data
  const of = profile === undefined ? '' : ` of profile ${profile}`
  return (
    <p className="expression-holds quiet" role="status">
      {count === 0 ? (
        `It holds for no device${of} now.`
      ) : (
        <>
          It holds for <strong>{plural(count, 'device')}</strong>
          {of} now: {sample.map(({ name }) => name).join(', ')}
          {count > sample.length && ` and ${counted(count - sample.length)} more`}
        </>
      )}
    </p>
  )
}
