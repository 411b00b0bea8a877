import { Avatar, Menu, Text, UnstyledButton } from '@mantine/core'
import { IconBook, IconBrandGraphql, IconLogout, IconLogout2 } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useSession, useSignOut } from '../data/session.ts'

export function PersonMenu() {
  const { operator } = useSession()
  const signOut = useSignOut()
  const navigate = useNavigate()
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <UnstyledButton>
          <Avatar name={operator.name} size={30} color="initials" aria-hidden />
          <span className="visually-hidden">{operator.name}: account</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--text)">
            {operator.name}
          </Text>
          {operator.role.replace('-', ' ')}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item component="a" href="/api/docs" leftSection={<IconBook size={16} />}>
          API reference
        </Menu.Item>
        <Menu.Item
          component="a"
          href="/api/graphql/schema"
          leftSection={<IconBrandGraphql size={16} />}
        >
          GraphQL schema
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLogout size={16} />}
          onClick={() =>
            signOut.mutate('here', { onSettled: () => void navigate({ to: '/sign-in' }) })
          }
        >
          Sign out
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLogout2 size={16} />}
          onClick={() =>
            signOut.mutate('everywhere', {
              onSettled: () => void navigate({ to: '/sign-in' }),
            })
          }
        >
          Sign out everywhere
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
