/** Where an expression is written: examples while there is none, its mistake where it is, and what it means below. */
import { Button, Textarea } from '@mantine/core'
import { type ReactNode, type Ref, useMemo } from 'react'
import { type Mistake, mistakeIn } from '../words/mistake.ts'
import './expression-field.css'

export type Example = readonly [name: string, text: string]

export function ExpressionInput({
  value,
  onChange,
  label = 'Expression',
  description,
  placeholder,
  examples,
  findMistake = mistakeIn,
  isRequired = true,
  field,
  children,
}: {
  value: string
  onChange: (text: string) => void
  label?: string
  description: string
  placeholder: string
  examples: readonly Example[]
  findMistake?: (text: string) => Mistake | null
  /** Left empty it means nothing. */
  isRequired?: boolean
  field?: Ref<HTMLTextAreaElement>
  /** What it means, where it can be read. */
  children: ReactNode
}) {
  const isEmpty = value.trim() === ''
  const mistake = useMemo(
    () => (isEmpty ? null : findMistake(value)),
    [isEmpty, findMistake, value],
  )
  return (
    <div className="expression">
      <Textarea
        ref={field}
        label={label}
        description={description}
        placeholder={placeholder}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        autosize
        minRows={2}
        maxRows={10}
        spellCheck={false}
        autoCapitalize="off"
        autoCorrect="off"
        aria-invalid={mistake !== null}
        required={isRequired}
      />
      {isEmpty && (
        <div className="expression-examples">
          {examples.map(([name, text]) => (
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
      )}
      {mistake ? (
        <ShownMistake text={value} mistake={mistake} />
      ) : (
        !(isEmpty && isRequired) && children
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
