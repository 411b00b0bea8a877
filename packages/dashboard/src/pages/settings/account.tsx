/** One's own sign-in. */
import { Button, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { useSession } from '../../data/session.ts'
import { Facts } from '../../parts/detail.tsx'
import { PasswordField } from '../../parts/password-field.tsx'
import { roleWord } from '../../words/roles.ts'

export function Account() {
  const { operator } = useSession()
  const [old, setOld] = useState('')
  const [fresh, setFresh] = useState('')
  const change = useChange('changePassword', {
    touches: [],
    done: 'The password was changed; your other sessions have ended.',
  })
  return (
    <div className="form">
      <Facts
        facts={[
          ['Name', operator.name],
          ['Role', roleWord(operator.role)],
          ...(operator.customer ? [['Customer', operator.customer] as const] : []),
        ]}
      />
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate(
            { body: { password: old, newPassword: fresh } },
            {
              onSuccess: () => {
                setOld('')
                setFresh('')
              },
            },
          )
        }}
      >
        <Stack mt="xl">
          <Text fw={600}>Change your password</Text>
          {/* For password managers: whose password it is. */}
          <input type="hidden" name="username" autoComplete="username" value={operator.name} />
          <PasswordField label="The one you have" value={old} onChange={setOld} />
          <PasswordField label="The new one" value={fresh} onChange={setFresh} isNew />
          <Button type="submit" loading={change.isPending} style={{ alignSelf: 'flex-end' }}>
            Change the password
          </Button>
        </Stack>
      </form>
    </div>
  )
}
