import { Stack, Text, ThemeIcon, Title } from '@mantine/core'
import type { Icon } from '@tabler/icons-react'
import type { ReactNode } from 'react'

/** Nothing here yet: what this place is for, and what to do next. */
export function Empty({
  Icon,
  title,
  children,
  action,
}: {
  Icon: Icon
  title: string
  children?: ReactNode
  action?: ReactNode
}) {
  return (
    <Stack align="center" gap="xs" py={64} px="md" ta="center">
      <ThemeIcon variant="light" color="slate" size={48} radius="xl">
        <Icon size={24} stroke={1.5} />
      </ThemeIcon>
      <Title order={2} size="h4">
        {title}
      </Title>
      {children && (
        <Text className="quiet" maw={440}>
          {children}
        </Text>
      )}
      {action}
    </Stack>
  )
}
