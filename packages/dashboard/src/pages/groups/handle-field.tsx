import { TextInput } from '@mantine/core'

const MAX_LENGTH = 63

/** The handle a name suggests: "Beta testers" → "beta-testers". */
export const handleFor = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, MAX_LENGTH)

/** A short name for commands and addresses. */
export function HandleField({
  value,
  onChange,
}: {
  value: string
  onChange: (handle: string) => void
}) {
  const isFine = value === '' || /^[a-z][a-z\d-]*$/.test(value)
  return (
    <TextInput
      label="Handle"
      description="What commands call it."
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={!isFine && 'Small letters, digits and dashes, a letter first.'}
      maxLength={MAX_LENGTH}
      classNames={{ input: 'mono' }}
      required
    />
  )
}
