import { Alert, Button, Group, Modal, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { read } from '../data/queries.ts'
import { type EdgehogDevice, edgehogWaysFor } from '../words/commands.ts'
import { Copyable } from './copyable.tsx'
import { Facts } from './detail.tsx'
import { DeviceAuthority } from './device-authority.tsx'
import { Ways } from './ways-in.tsx'

/** The credentials secret of a paired device, shown this once with what points the device here. */
export function PairedSecret({
  title,
  realm,
  device,
  next,
  onClose,
}: {
  title: string
  /** Its name. */
  realm: string
  device: EdgehogDevice
  /** What may be done then. */
  next?: ReactNode
  onClose: () => void
}) {
  const endpoints = useQuery(read('settings', 'showEndpoints', {}))
  return (
    <Modal opened onClose={onClose} title={title} size="lg" closeOnClickOutside={false}>
      <Stack>
        <Alert color="green">
          The credentials secret is shown once. Put it on the device now: with it the device fetches
          its certificate, and comes with that from then on.
        </Alert>
        <Facts
          facts={[
            [
              'Credentials secret',
              <Copyable key="secret" text={device.credentialsSecret} what="credentials secret" />,
            ],
            ['Device id', <Copyable key="id" text={device.astarteId} what="device id" />],
            ['Device authority', <DeviceAuthority key="authority" />],
          ]}
        />
        {endpoints.data && (
          <Ways ways={edgehogWaysFor({ http: endpoints.data.http, realm }, device)} />
        )}
        <Group justify="flex-end" gap="xs">
          {next ?? <Button onClick={onClose}>I have it</Button>}
        </Group>
      </Stack>
    </Modal>
  )
}
