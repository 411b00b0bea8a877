/** The tokens of a cloud: made, shown once, and revoked. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { read } from '../../data/queries.ts'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { Secret } from '../../parts/secret.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'

const NOUNS = ['clouds'] as const

export function CloudTokens({
  cloud: { id, name },
  onClose,
}: {
  cloud: { readonly id: string; readonly name: string }
  onClose: () => void
}) {
  const { data } = useQuery(read('clouds', 'listCloudTokens', { params: { id } }))
  const [question, ask] = useState<Question | null>(null)
  const make = useChange('createCloudToken', { touches: NOUNS })
  const revoke = useChange('revokeCloudToken', { touches: NOUNS, done: 'The token was revoked.' })
  if (make.data) {
    return (
      <Secret
        title={`Token of ${name}`}
        secret={make.data.token}
        what="token"
        onClose={make.reset}
      />
    )
  }
  return (
    <Modal opened onClose={onClose} title={`Tokens of ${name}`}>
      <Stack>
        <Text size="sm" className="quiet">
          With a token of the cloud an Ioto Updater comes in: it says which device it is, and is
          served as one of {name}.
        </Text>
        {data?.items.length === 0 && <Text size="sm">There is none yet.</Text>}
        {data && data.items.length > 0 && (
          <ul className="used-by">
            {data.items.map(({ id: tokenId, createdAt }) => (
              <li key={tokenId}>
                <Group justify="space-between">
                  <span>
                    made <TimeAgo at={createdAt} />
                  </span>
                  <Button
                    size="xs"
                    variant="default"
                    onClick={() =>
                      ask({
                        title: 'Revoke this token?',
                        body: 'Devices that come in by it are refused from then on.',
                        yes: 'Revoke the token',
                        isDangerous: true,
                        onYes: () =>
                          revoke.mutate(
                            { params: { id, tokenId } },
                            { onSettled: () => ask(null) },
                          ),
                      })
                    }
                  >
                    Revoke
                  </Button>
                </Group>
              </li>
            ))}
          </ul>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button
            leftSection={<IconPlus size={16} />}
            loading={make.isPending}
            onClick={() => make.mutate({ params: { id } })}
            data-autofocus
          >
            Make a token
          </Button>
        </Group>
      </Stack>
      <Confirm question={question} isBusy={revoke.isPending} onClose={() => ask(null)} />
    </Modal>
  )
}
