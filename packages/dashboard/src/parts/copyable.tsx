import { ActionIcon, CopyButton, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'

/** A text worth copying, in monospace; `short` is what is shown of it. */
export function Copyable({
  text,
  short = text,
  what,
}: {
  text: string
  short?: string
  what: string
}) {
  return (
    <span className="copyable">
      <code title={short === text ? undefined : text}>{short}</code>
      <CopyText text={text} what={what} />
    </span>
  )
}

/** The button alone. */
export function CopyText({ text, what }: { text: string; what: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : `Copy ${what}`}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={copy}
            aria-label={`Copy ${what}`}
          >
            {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}
