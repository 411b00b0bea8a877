import { Group, Stack, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'

/** A page: its title, what can be done on it, and its content, which `fills` the window if it scrolls by itself. */
export function Page({
  title,
  actions,
  fills = false,
  children,
}: {
  title: string
  actions?: ReactNode
  fills?: boolean
  children: ReactNode
}) {
  useDocumentTitle(`${title} · Updraft`)
  return (
    <Stack className="page" gap="md" data-fills={fills || undefined}>
      <Group justify="space-between" align="center">
        <Title order={1} size="h2">
          {title}
        </Title>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  )
}
