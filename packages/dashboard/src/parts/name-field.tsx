import { TextInput, type TextInputProps } from '@mantine/core'

/** The longest name the server takes. */
const MAX_LENGTH = 255

/** The name of something that is added or changed. A dialog begins with it, unless it `follows` another field. */
export function NameField({
  label = 'Name',
  onChange,
  follows = false,
  ...rest
}: {
  value: string
  onChange: (name: string) => void
  follows?: boolean
} & Pick<TextInputProps, 'label' | 'description' | 'placeholder'>) {
  return (
    <TextInput
      label={label}
      onChange={(event) => onChange(event.currentTarget.value)}
      maxLength={MAX_LENGTH}
      required
      data-autofocus={!follows || undefined}
      {...rest}
    />
  )
}
