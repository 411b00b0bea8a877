/** Where boxes of this profile reach the server, which series they follow, and what is put into them. */
import { Alert, Button, Group, Skeleton, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { Output } from '@updraft/api/client'
import { useState } from 'react'
import { useBoxServer } from '../../data/boxes.ts'
import { useChange } from '../../data/changes.ts'
import { useMay } from '../../data/session.ts'
import { Copyable } from '../../parts/copyable.tsx'
import { Facts } from '../../parts/detail.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { LinkButton } from '../../parts/link-button.tsx'
import { MoreMenu } from '../../parts/more-menu.tsx'
import { Section } from '../../parts/section.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import type { ProfileData } from '../profile.tsx'

type BoxServer = Output<'showBoxServer'>

/** Codes and tokens are long; their middle says nothing to anybody. */
const SHOWN = 56

export function ProfileBoxes({ profile }: { profile: ProfileData }) {
  const may = useMay()
  const [isOpen, dialog] = useDisclosure()
  const { data: server, error, isPending } = useBoxServer(profile.id)
  const remove = useChange('removeBoxServer', {
    touches: ['profiles'],
    done: 'Boxes are told no series any more.',
  })
  return (
    <Section
      title="Boxes"
      aside={
        may('profile.write') && (
          <Group gap={4}>
            <Button size="xs" variant="default" onClick={dialog.open} disabled={isPending}>
              {server ? 'Change' : 'Take boxes'}
            </Button>
            {server && (
              <MoreMenu
                label="Boxes: more"
                removal={{
                  what: 'address',
                  title: `No more boxes for ${profile.name}?`,
                  body: 'Boxes that ask under that address are told no series any more. They stay devices, and keep the code they have.',
                  isBusy: remove.isPending,
                  onYes: (over) =>
                    remove.mutate({ params: { id: profile.id } }, { onSettled: over }),
                }}
              />
            )}
          </Group>
        )
      }
    >
      {error ? (
        <Trouble error={error} />
      ) : server ? (
        <Standing profile={profile} server={server} />
      ) : isPending ? (
        <Skeleton height={64} />
      ) : (
        <p className="quiet">
          None yet. Once it is said under which address they reach this server and which series of
          their code they follow, boxes of Odoo’s take a token from here, and boxes of ours the
          address and the key.
        </p>
      )}
      {isOpen && (
        <BoxServerDialog profile={profile} server={server ?? null} onClose={dialog.close} />
      )}
    </Section>
  )
}

function Standing({ profile, server }: { profile: ProfileData; server: BoxServer }) {
  const { url, series, tokens } = server
  const key = profile.provisioning?.key
  return (
    <>
      {tokens === null && (
        <Alert color="orange" mb="xs" title="Boxes cannot come yet">
          Allow self-enrolment above: its key is a part of what they are given.
        </Alert>
      )}
      <Facts
        facts={[
          ['Address', <Copyable key="url" text={url} what="address" />],
          [
            'Series',
            <span key="series" className="mono">
              {series}
            </span>,
          ],
          ...(tokens
            ? [
                [
                  'Odoo from 18.0 on',
                  <Token key="url" text={tokens.url} what="token for boxes from 18.0 on" />,
                ] as const,
                [
                  'Odoo before 18.0',
                  tokens.pipes === null ? (
                    <span key="pipes" className="quiet">
                      none: the key has a | in it
                    </span>
                  ) : (
                    <Token key="pipes" text={tokens.pipes} what="token for boxes before 18.0" />
                  ),
                ] as const,
              ]
            : []),
          ...(key === undefined
            ? []
            : [
                [
                  'Ours',
                  <div key="own">
                    <Copyable text="npx updraft-agent box" what="command" />
                    <div className="quiet">On its page it takes the address and the key.</div>
                  </div>,
                ] as const,
              ]),
        ]}
      />
      <Group mt="sm">
        <LinkButton to="/boxes" search={{ profile: profile.name }} variant="default" size="xs">
          Its boxes
        </LinkButton>
      </Group>
    </>
  )
}

const Token = ({ text, what }: { text: string; what: string }) => (
  <Copyable
    text={text}
    short={text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}
    what={what}
  />
)

function BoxServerDialog({
  profile,
  server,
  onClose,
}: {
  profile: ProfileData
  server: BoxServer | null
  onClose: () => void
}) {
  const [url, setUrl] = useState(server?.url ?? location.origin)
  const [series, setSeries] = useState(server?.series ?? '')
  const set = useChange('setBoxServer', { touches: ['profiles'], done: 'Set.' })
  return (
    <Dialog
      title={`Boxes of ${profile.name}`}
      verb={server ? 'Change' : 'Take boxes'}
      isBusy={set.isPending}
      isIncomplete={url.trim() === '' || series.trim() === ''}
      onSubmit={() =>
        set.mutate(
          { params: { id: profile.id }, body: { url: url.trim(), series: series.trim() } },
          { onSuccess: onClose },
        )
      }
      onClose={onClose}
    >
      <TextInput
        label="Address"
        description="Scheme and host by which its boxes reach this server. A box says nothing but the host it asks, so no two profiles have the same."
        placeholder="https://boxes.example"
        inputMode="url"
        value={url}
        onChange={(event) => setUrl(event.currentTarget.value)}
        required
        data-autofocus
      />
      <TextInput
        label="Series"
        description="Which series of their code they follow: 17.0, saas~17.4 or master. Boxes that run another one change to it."
        placeholder="17.0"
        classNames={{ input: 'mono' }}
        value={series}
        onChange={(event) => setSeries(event.currentTarget.value)}
        required
        className="short-field"
      />
    </Dialog>
  )
}
