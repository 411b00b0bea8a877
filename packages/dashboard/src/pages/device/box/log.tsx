/** What a box logs, the newest first, and as it happens. */
import { Button, Group, Select, Switch, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconNotes, IconSearch } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { LOG_LEVELS, type LogLevel } from '@updraft/core'
import { useState } from 'react'
import { type ItemOf, list } from '../../../data/queries.ts'
import { Empty } from '../../../parts/empty.tsx'
import { Trouble } from '../../../parts/trouble.tsx'
import { exactTime } from '../../../words/time.ts'
import type { DeviceData } from '../../device.tsx'

type Line = ItemOf<'listLogLines'>

/** No event tells of lines; they are looked for so often. */
const LOOK_EVERY_MS = 2_000
const TYPING_MS = 200

const LEVELS: Readonly<Record<LogLevel, string>> = {
  debug: 'everything',
  info: 'info and above',
  warn: 'warnings and errors',
  error: 'errors only',
}

export function Log({ device }: { device: DeviceData }) {
  const [level, setLevel] = useState<LogLevel>('debug')
  const [text, setText] = useState('')
  const [search] = useDebouncedValue(text.trim(), TYPING_MS)
  const [isFollowed, setFollowed] = useState(true)
  const query = useInfiniteQuery({
    ...list('logs', 'listLogLines', {
      params: { id: device.id },
      query: { level, search: search || undefined, limit: 100 },
    }),
    // Who has gone back to earlier lines is not carried away from them.
    refetchInterval: ({ state }) =>
      isFollowed && (state.data?.pages.length ?? 1) === 1 ? LOOK_EVERY_MS : false,
  })
  const lines = query.data?.pages.flatMap(({ items }) => items) ?? []
  const isFiltered = level !== 'debug' || search !== ''
  return (
    <>
      <Group gap="xs" className="filters" mb="sm">
        <TextInput
          aria-label="Search the log"
          placeholder="Search lines"
          leftSection={<IconSearch size={16} />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Select
          aria-label="Level"
          data={LOG_LEVELS.map((value) => ({ value, label: LEVELS[value] }))}
          value={level}
          onChange={(value) => setLevel((value ?? 'debug') as LogLevel)}
          allowDeselect={false}
        />
        <Switch
          label="Follow"
          checked={isFollowed}
          onChange={(event) => setFollowed(event.currentTarget.checked)}
        />
      </Group>
      {query.error ? (
        <Trouble error={query.error} onRetry={() => void query.refetch()} />
      ) : lines.length > 0 ? (
        <ol
          className="log"
          aria-label="Log"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by itself, with the keyboard as well
          tabIndex={0}
        >
          {lines.map((line) => (
            <LogLine key={line.id} line={line} />
          ))}
        </ol>
      ) : query.isPending ? null : isFiltered ? (
        <Empty Icon={IconSearch} title="No line is like that" />
      ) : (
        <Empty Icon={IconNotes} title="It has logged nothing yet">
          Its newest 5,000 lines of 30 days stand here. Boxes of ours send what they log while they
          are on the line; Odoo’s send it from 17.0 late on.
        </Empty>
      )}
      {query.hasNextPage && (
        <Button
          variant="default"
          size="xs"
          mt="sm"
          loading={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          Earlier lines
        </Button>
      )}
    </>
  )
}

function LogLine({ line: { at, level, message } }: { line: Line }) {
  return (
    <li data-level={level}>
      <time dateTime={at}>{exactTime(new Date(at))}</time>
      <span className="log-level">{level}</span>
      <span className="log-message">{message}</span>
    </li>
  )
}
