import { PasswordInput } from '@mantine/core'

/** The server takes no shorter one. */
const MIN_LENGTH = 12

/** A password one has, or a new one; password managers are told which. */
export function PasswordField({
  label = 'Password',
  value,
  onChange,
  isNew = false,
}: {
  label?: string
  value: string
  onChange: (password: string) => void
  isNew?: boolean
}) {
  return (
    <PasswordInput
      label={label}
      description={isNew && `At least ${MIN_LENGTH} characters.`}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete={isNew ? 'new-password' : 'current-password'}
      minLength={isNew ? MIN_LENGTH : undefined}
      required
    />
  )
}
