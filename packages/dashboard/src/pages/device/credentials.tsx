/** What a device is known by, and how that is changed without losing the device. */
import { Alert, Button, Modal, Skeleton, Stack, Switch, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconKey } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { type ItemOf, read } from '../../data/queries.ts'
import { Copyable } from '../../parts/copyable.tsx'
import { Section } from '../../parts/section.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import type { DeviceData } from '../device.tsx'

type Credential = ItemOf<'listCredentials'>

const KINDS: Readonly<Record<Credential['kind'], string>> = {
  token: 'Token',
  'mqtt-basic': 'MQTT name and password',
  x509: 'Certificate',
}

const DAY_SECONDS = 86_400

export function Credentials({ device }: { device: DeviceData }) {
  const credentials = useQuery(read('devices', 'listCredentials', { params: { id: device.id } }))
  const [isOpen, { open, close }] = useDisclosure()
  return (
    <Section
      title="Credentials"
      aside={
        <Button size="xs" variant="default" leftSection={<IconKey size={14} />} onClick={open}>
          New token
        </Button>
      }
    >
      {credentials.isPending && <Skeleton height={40} />}
      <ul className="credentials">
        {(credentials.data?.items ?? []).map((credential) => (
          <li key={credential.id}>
            <div>{KINDS[credential.kind]}</div>
            <div className="quiet">
              {[credential.clientId, credential.userName, credential.certificate?.subject]
                .filter(Boolean)
                .join(' · ')}
              {credential.firstUsedAt ? (
                <>
                  {' '}
                  in use since <TimeAgo at={credential.firstUsedAt} />
                </>
              ) : (
                ' not used yet'
              )}
              {credential.expiresAt && (
                <>
                  , ends <TimeAgo at={credential.expiresAt} />
                </>
              )}
            </div>
          </li>
        ))}
      </ul>
      {isOpen && <NewToken device={device} onClose={close} />}
    </Section>
  )
}

function NewToken({ device, onClose }: { device: DeviceData; onClose: () => void }) {
  const [keepsOld, setKeepsOld] = useState(true)
  const replace = useChange('replaceDeviceToken', { touches: ['devices'] })
  return (
    <Modal opened onClose={onClose} title={`New token for ${device.name}`}>
      <Stack>
        {replace.data ? (
          <>
            <Alert color="green">This is shown once. Put it on the device now.</Alert>
            <Copyable text={replace.data.token} what="token" />
            <Button onClick={onClose}>Done</Button>
          </>
        ) : (
          <>
            <Switch
              label="The old token goes on working for a day"
              checked={keepsOld}
              onChange={(event) => setKeepsOld(event.currentTarget.checked)}
            />
            <Text size="sm" className="quiet">
              {keepsOld
                ? 'The device stays on the line while the new one is put on it.'
                : 'The device is cut off at once until it has the new one.'}
            </Text>
            <Button
              loading={replace.isPending}
              onClick={() =>
                replace.mutate({
                  params: { id: device.id },
                  body: keepsOld ? { keepOldForSeconds: DAY_SECONDS } : {},
                })
              }
            >
              Make a new token
            </Button>
          </>
        )}
      </Stack>
    </Modal>
  )
}
