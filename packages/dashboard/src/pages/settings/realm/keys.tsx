/** The keys with which tokens for agents are signed: the realm's own, and those an Astarte elsewhere signs with. */
import { Button, Group, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus, IconRotate2 } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../../data/changes.ts'
import { read } from '../../../data/queries.ts'
import { useMay } from '../../../data/session.ts'
import { Confirm, type Question } from '../../../parts/confirm.tsx'
import { CopyText } from '../../../parts/copyable.tsx'
import { Section } from '../../../parts/section.tsx'
import { TimeAgo } from '../../../parts/time-ago.tsx'
import type { RealmData } from '../realm.tsx'
import { AddKey } from './add-key.tsx'

const TOUCHES = ['realm'] as const

export function RealmKeys({ realm }: { realm: RealmData }) {
  const keys = useQuery(read('realm', 'listRealmKeys', {}))
  const may = useMay()
  const [isAdding, adding] = useDisclosure()
  const [question, ask] = useState<Question | null>(null)
  const over = () => ask(null)
  const rotate = useChange('rotateRealmKey', {
    touches: TOUCHES,
    done: 'The realm has a new key; make new tokens for agents.',
  })
  const remove = useChange('removeRealmKey', { touches: TOUCHES, done: 'The key was removed.' })
  return (
    <Section
      title="Keys of agent tokens"
      isCard
      aside={
        may('realm.write') && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} />}
            onClick={adding.open}
          >
            Add a key
          </Button>
        )
      }
    >
      <Text size="sm" className="quiet" mb="xs">
        Tokens made here are signed with the realm's own key. Add the public key of a realm you have
        elsewhere, and the tokens your devices have already go on working.
      </Text>
      <ul className="used-by">
        <li className="realm-key">
          <span>
            The realm's own{' '}
            <span className="quiet">
              made <TimeAgo at={realm.keyMadeAt} />
            </span>
          </span>
          <Group gap={4} wrap="nowrap">
            <CopyText text={realm.publicKey} what="the public key" />
            {may('realm.write') && (
              <Button
                size="xs"
                variant="default"
                leftSection={<IconRotate2 size={14} />}
                onClick={() =>
                  ask({
                    title: 'Give the realm a new key?',
                    body: 'All agent tokens made here before are refused from then on. Devices that are registered already notice nothing.',
                    yes: 'Make a new key',
                    isDangerous: true,
                    onYes: () => rotate.mutate({}, { onSettled: over }),
                  })
                }
              >
                Rotate
              </Button>
            )}
          </Group>
        </li>
        {(keys.data?.items ?? []).map(({ id, name, publicKey, createdAt }) => (
          <li key={id} className="realm-key">
            <span className="truncate">
              {name}{' '}
              <span className="quiet">
                added <TimeAgo at={createdAt} />
              </span>
            </span>
            <Group gap={4} wrap="nowrap">
              <CopyText text={publicKey} what={`the public key ${name}`} />
              {may('realm.write') && (
                <Button
                  size="xs"
                  variant="default"
                  aria-label={`Remove ${name}`}
                  onClick={() =>
                    ask({
                      title: `Remove ${name}?`,
                      body: 'Agent tokens signed with it are refused from then on.',
                      yes: 'Remove the key',
                      isDangerous: true,
                      onYes: () => remove.mutate({ params: { id } }, { onSettled: over }),
                    })
                  }
                >
                  Remove
                </Button>
              )}
            </Group>
          </li>
        ))}
      </ul>
      <Confirm
        question={question}
        isBusy={rotate.isPending || remove.isPending}
        onClose={() => ask(null)}
      />
      {isAdding && <AddKey onClose={adding.close} />}
    </Section>
  )
}
