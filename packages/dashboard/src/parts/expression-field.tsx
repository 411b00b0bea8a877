/** An expression over devices: read while it is typed, its mistake shown where it is, and whom it means. */
import { Button, Textarea } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { read } from '../data/queries.ts'
import { type Mistake, mistakeIn } from '../words/mistake.ts'
import { counted, plural } from '../words/numbers.ts'
import { messageOf } from './trouble.tsx'
import './expression-field.css'

const TYPING_MS = 300

const EXAMPLES = [
  ['All devices', 'true'],
  ['With a label', '"beta" in labels'],
  ['By name', 'name.startsWith("gateway-")'],
  ['By version', 'versionMatches(installed.firmware.version, "< 2.0.0")'],
] as const

export function ExpressionField({
  value,
  onChange,
  profile,
  label = 'Expression',
}: {
  value: string
  onChange: (text: string) => void
  /** Only devices of it count. */
  profile?: string
  label?: string
}) {
  const mistake = useMemo(() => mistakeIn(value), [value])
  return (
    <div className="expression">
      <Textarea
        label={label}
        description="Those devices for which it holds, such as those with a label."
        placeholder={'"beta" in labels'}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        autosize
        minRows={2}
        maxRows={10}
        spellCheck={false}
        autoCapitalize="off"
        autoCorrect="off"
        aria-invalid={mistake !== null && value !== ''}
        required
      />
      {value.trim() === '' ? (
        <div className="expression-examples">
          {EXAMPLES.map(([name, text]) => (
            <Button
              key={name}
              size="compact-xs"
              variant="default"
              title={text}
              onClick={() => onChange(text)}
            >
              {name}
            </Button>
          ))}
        </div>
      ) : mistake ? (
        <ShownMistake text={value} mistake={mistake} />
      ) : (
        <Holds expression={value} profile={profile} />
      )}
    </div>
  )
}

function ShownMistake({
  text,
  mistake: { line, from, to, message },
}: {
  text: string
  mistake: Mistake
}) {
  const shown = text.split('\n')[line] ?? ''
  return (
    <div className="expression-mistake" role="alert">
      <pre>
        {shown.slice(0, from)}
        <mark>{shown.slice(from, to) || ' '}</mark>
        {shown.slice(to)}
      </pre>
      <p>{message}</p>
    </div>
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
