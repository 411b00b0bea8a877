import { Button, FileButton, Group, Textarea } from '@mantine/core'
import type { ReactNode } from 'react'

/** A key in PEM: pasted, or out of a file. */
export function PemField({
  label,
  description,
  kind,
  value,
  onChange,
  required = true,
}: {
  label: string
  description: ReactNode
  /** As its first line says it. */
  kind: string
  value: string
  onChange: (pem: string) => void
  required?: boolean
}) {
  return (
    <div>
      <Textarea
        label={label}
        description={description}
        placeholder={`-----BEGIN ${kind}-----`}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        minRows={4}
        maxRows={8}
        autosize
        required={required}
        spellCheck={false}
        classNames={{ input: 'mono' }}
      />
      <Group justify="flex-end" mt={6}>
        <FileButton
          accept=".pem,.key,.pub,text/plain,application/x-pem-file"
          onChange={(file) => void file?.text().then(onChange)}
        >
          {(props) => (
            <Button {...props} size="xs" variant="default">
              Choose a file
            </Button>
          )}
        </FileButton>
      </Group>
    </div>
  )
}
