import { Alert, Button, Center, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useSignIn } from '../data/session.ts'
import { Mark } from '../frame/mark.tsx'
import { PasswordField } from '../parts/password-field.tsx'
import { messageOf } from '../parts/trouble.tsx'

export function SignIn() {
  useDocumentTitle('Sign in · Updraft')
  const { to } = useSearch({ from: '/sign-in' })
  const navigate = useNavigate()
  const signIn = useSignIn()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')

  const submit = (event: FormEvent) => {
    event.preventDefault()
    signIn.mutate(
      { name, password },
      // Only places of our own: an address in a link must not lead elsewhere.
      {
        onSuccess: () =>
          void navigate({ href: to?.startsWith('/') && !to.startsWith('//') ? to : '/' }),
      },
    )
  }

  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder p="xl" w="100%" maw={380} radius={12}>
        <form onSubmit={submit}>
          <Stack>
            <Mark size={36} />
            <div>
              <Title order={1} size="h3">
                Sign in to Updraft
              </Title>
              <Text size="sm" className="quiet">
                The first sign-in was printed when the server started for the first time.
              </Text>
            </div>
            {signIn.error && (
              <Alert color="red" role="alert">
                {messageOf(signIn.error)}
              </Alert>
            )}
            <TextInput
              label="Name"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              autoComplete="username"
              autoFocus
              required
            />
            <PasswordField value={password} onChange={setPassword} />
            <Button type="submit" loading={signIn.isPending}>
              Sign in
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  )
}
