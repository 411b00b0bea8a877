import { Button, Group } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link } from '@tanstack/react-router'
import { useChange } from '../../../data/changes.ts'
import { useMay } from '../../../data/session.ts'
import { Facts } from '../../../parts/detail.tsx'
import { MoreMenu } from '../../../parts/more-menu.tsx'
import { Section } from '../../../parts/section.tsx'
import { TimeAgo } from '../../../parts/time-ago.tsx'
import { plural } from '../../../words/numbers.ts'
import type { RealmData } from '../realm.tsx'
import { RealmDialog } from './realm-dialog.tsx'

/** What the realm is called, and what its devices become. */
export function AboutRealm({ realm }: { realm: RealmData }) {
  const may = useMay()
  const [isEditing, editing] = useDisclosure()
  const remove = useChange('removeRealm', {
    touches: ['realm'],
    done: `${realm.name} was removed.`,
  })
  return (
    <Section
      title={`Realm ${realm.name}`}
      isCard
      aside={
        may('realm.write') && (
          <Group gap={4}>
            <Button size="xs" variant="default" onClick={editing.open}>
              Change
            </Button>
            {realm.deviceCount === 0 && (
              <MoreMenu
                label="The realm: more"
                removal={{
                  what: 'realm',
                  title: `Remove ${realm.name}?`,
                  body: 'Its keys go with it, and the tokens made with them are good no more.',
                  isBusy: remove.isPending,
                  onYes: (over) => remove.mutate({}, { onSettled: over }),
                }}
              />
            )}
          </Group>
        )
      }
    >
      <Facts
        facts={[
          [
            'New devices get',
            <Link
              key="profile"
              to="/profiles/$profileId"
              params={{ profileId: realm.profileId }}
              className="plain-link"
            >
              {realm.profile}
            </Link>,
          ],
          ['Paired', plural(realm.deviceCount, 'device')],
          ['Made', <TimeAgo key="made" at={realm.createdAt} />],
        ]}
      />
      {isEditing && <RealmDialog realm={realm} onClose={editing.close} />}
    </Section>
  )
}
