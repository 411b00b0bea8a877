/** Details of one thing, over the list it was opened from; the list keeps its place. */
import {
  ActionIcon,
  Drawer,
  FocusTrap,
  Group,
  Skeleton,
  Stack,
  Title,
  Tooltip,
} from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconArrowsDiagonal, IconArrowsDiagonalMinimize, IconX } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useListState } from './list-query.ts'
import { Trouble } from './trouble.tsx'
import './detail.css'

export function Detail({
  title,
  mark,
  actions,
  backTo,
  error,
  isPending,
  children,
}: {
  title: string
  /** Beside the title. */
  mark?: ReactNode
  actions?: ReactNode
  /** The list. */
  backTo: '/devices' | '/packages' | '/profiles' | '/campaigns' | '/policies' | '/groups' | '/boxes'
  error?: unknown
  isPending?: boolean
  children: ReactNode
}) {
  const navigate = useNavigate()
  const { state, change } = useListState()
  const isNarrow = useMediaQuery('(max-width: 900px)')
  const isFull = isNarrow || state.view === 'full'
  const close = () =>
    void navigate({ to: backTo, search: { ...state, view: undefined, tab: undefined } })

  return (
    <Drawer.Root
      opened
      onClose={close}
      size={isFull ? '100%' : 720}
      position="right"
      classNames={{ content: 'detail' }}
    >
      <Drawer.Overlay backgroundOpacity={0.25} />
      <Drawer.Content aria-label={title}>
        {/* The thing itself is read first, not the button that happens to stand first. */}
        <FocusTrap.InitialFocus />
        <header className="detail-head">
          <Group gap="sm" wrap="nowrap" miw={0}>
            <Title order={2} size="h3" className="truncate">
              {title}
            </Title>
            {mark}
          </Group>
          <Group gap={4} wrap="nowrap">
            {actions}
            {!isNarrow && (
              <Tooltip label={isFull ? 'Beside the list' : 'Full page'}>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={isFull ? 'Beside the list' : 'Full page'}
                  onClick={() => change({ view: isFull ? undefined : 'full' })}
                >
                  {isFull ? (
                    <IconArrowsDiagonalMinimize size={18} />
                  ) : (
                    <IconArrowsDiagonal size={18} />
                  )}
                </ActionIcon>
              </Tooltip>
            )}
            <Tooltip label="Close">
              <ActionIcon variant="subtle" color="gray" aria-label="Close" onClick={close}>
                <IconX size={18} />
              </ActionIcon>
            </Tooltip>
          </Group>
        </header>
        <div className="detail-body" data-full={isFull || undefined}>
          {error ? (
            <Trouble error={error} />
          ) : isPending ? (
            <Stack>
              <Skeleton height={72} />
              <Skeleton height={160} />
              <Skeleton height={240} />
            </Stack>
          ) : (
            children
          )}
        </div>
      </Drawer.Content>
    </Drawer.Root>
  )
}

/** Names and values, one a line. */
export function Facts({
  facts,
}: {
  facts: readonly (readonly [name: string, value: ReactNode])[]
}) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
