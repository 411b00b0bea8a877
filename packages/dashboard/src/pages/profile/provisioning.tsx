/** Whether devices of this profile may enrol themselves, and with which key. */
import { Alert, Button, Modal, Stack } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { Copyable } from '../../parts/copyable.tsx'
import { Facts } from '../../parts/detail.tsx'
import { Section } from '../../parts/section.tsx'
import type { ProfileData } from '../profile.tsx'

export function Provisioning({ profile }: { profile: ProfileData }) {
  const [question, ask] = useState<Question | null>(null)
  const enable = useChange('enableProvisioning', { touches: ['profiles'] })
  const disable = useChange('disableProvisioning', {
    touches: ['profiles'],
    done: 'Devices can no longer enrol themselves.',
  })
  const params = { id: profile.id }
  const isOn = profile.provisioning !== null
  return (
    <Section
      title="Devices that enrol themselves"
      aside={
        <Button
          size="xs"
          variant="default"
          loading={enable.isPending}
          onClick={() =>
            isOn
              ? ask({
                  title: 'No more enrolment?',
                  body: 'The key and its secret end at once. Devices that have enrolled stay.',
                  yes: 'End enrolment',
                  onYes: () => disable.mutate({ params }, { onSettled: () => ask(null) }),
                })
              : enable.mutate({ params })
          }
        >
          {isOn ? 'End' : 'Allow'}
        </Button>
      }
    >
      {profile.provisioning ? (
        <Facts
          facts={[
            ['Key', <Copyable key="key" text={profile.provisioning.key} what="key" />],
            ['Secret', 'was shown when it was made'],
          ]}
        />
      ) : (
        <p className="quiet">
          Off. When it is on, a device that knows a key and a secret adds itself to this profile.
        </p>
      )}
      <Confirm question={question} isBusy={disable.isPending} onClose={() => ask(null)} />
      {enable.data && (
        <Modal opened onClose={enable.reset} title="Devices may enrol themselves">
          <Stack>
            <Alert color="green">The secret is shown once. Keep it now.</Alert>
            <Facts
              facts={[
                ['Key', <Copyable key="key" text={enable.data.key} what="key" />],
                ['Secret', <Copyable key="secret" text={enable.data.secret} what="secret" />],
              ]}
            />
            <Button onClick={enable.reset}>I have it</Button>
          </Stack>
        </Modal>
      )}
    </Section>
  )
}
