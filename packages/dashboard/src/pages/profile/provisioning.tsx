/** Whether devices of this profile may enrol themselves, and with which key. */
import { Alert, Button, Group, Modal, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { Output } from '@updraft/api/client'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { Copyable } from '../../parts/copyable.tsx'
import { Facts } from '../../parts/detail.tsx'
import { Section } from '../../parts/section.tsx'
import { STRATEGIES } from '../../words/enrolment.ts'
import type { ProfileData } from '../profile.tsx'
import { EnrolmentDialog } from './enrolment-dialog.tsx'

export function Provisioning({ profile }: { profile: ProfileData }) {
  const [question, ask] = useState<Question | null>(null)
  const [isOpen, dialog] = useDisclosure()
  const [made, setMade] = useState<Output<'enableProvisioning'> | null>(null)
  const disable = useChange('disableProvisioning', {
    touches: ['profiles'],
    done: 'Devices can no longer enrol themselves.',
  })
  const params = { id: profile.id }
  const { provisioning } = profile
  return (
    <Section
      title="Self-enrolment"
      aside={
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={dialog.open}>
            {provisioning ? 'Change' : 'Allow'}
          </Button>
          {provisioning && (
            <Button
              size="xs"
              variant="default"
              onClick={() =>
                ask({
                  title: 'No more enrolment?',
                  body: 'The key and its secret end at once. Devices that have enrolled stay.',
                  yes: 'End enrolment',
                  onYes: () => disable.mutate({ params }, { onSettled: () => ask(null) }),
                })
              }
            >
              End
            </Button>
          )}
        </Group>
      }
    >
      {provisioning ? (
        <Facts
          facts={[
            ['Key', <Copyable key="key" text={provisioning.key} what="key" />],
            ['Secret', 'was shown when it was made'],
            ['With both', STRATEGIES[provisioning.strategy]],
            [
              'With the key alone',
              provisioning.claimsAtOnce
                ? 'Devices are claimed at once'
                : 'Devices wait to be claimed',
            ],
          ]}
        />
      ) : (
        <p className="quiet">
          Off. When it is on, a device that knows a key and a secret adds itself to this profile,
          and one that knows the key alone (Ioto) registers.
        </p>
      )}
      <Confirm question={question} isBusy={disable.isPending} onClose={() => ask(null)} />
      {isOpen && (
        <EnrolmentDialog
          profile={profile}
          onMade={(its) => {
            dialog.close()
            setMade(its)
          }}
          onClose={dialog.close}
        />
      )}
      {made && (
        <Modal opened onClose={() => setMade(null)} title="Devices may enrol themselves">
          <Stack>
            <Alert color="green">The secret is shown once. Keep it now.</Alert>
            <Facts
              facts={[
                ['Key', <Copyable key="key" text={made.key} what="key" />],
                ['Secret', <Copyable key="secret" text={made.secret} what="secret" />],
              ]}
            />
            <Button onClick={() => setMade(null)}>I have it</Button>
          </Stack>
        </Modal>
      )}
    </Section>
  )
}
