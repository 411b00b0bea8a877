/** What whoever makes the devices has to know, ready to be copied. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconKey } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { read } from '../../../data/queries.ts'
import { useMay } from '../../../data/session.ts'
import { Copyable } from '../../../parts/copyable.tsx'
import { Facts } from '../../../parts/detail.tsx'
import { DeviceAuthority } from '../../../parts/device-authority.tsx'
import { Section } from '../../../parts/section.tsx'
import { Ways } from '../../../parts/ways-in.tsx'
import { edgehogWaysFor, pairingUrl } from '../../../words/commands.ts'
import type { RealmData } from '../realm.tsx'
import { AgentToken } from './agent-token.tsx'

export function ForMakers({ realm }: { realm: RealmData }) {
  const may = useMay()
  const endpoints = useQuery(read('settings', 'showEndpoints', {}))
  const [isMaking, making] = useDisclosure()
  if (!endpoints.data) return null
  const { http, broker } = endpoints.data
  return (
    <Section
      title="For device makers"
      isCard
      aside={
        may('realm.write') && (
          <Button size="xs" leftSection={<IconKey size={14} />} onClick={making.open}>
            Make an agent token
          </Button>
        )
      }
    >
      <Facts
        facts={[
          ['Pairing URL', <Copyable key="url" text={pairingUrl(http)} what="pairing URL" />],
          ['Realm', <Copyable key="realm" text={realm.name} what="realm" />],
          [
            'MQTT broker',
            broker === null ? (
              <span key="broker" className="quiet">
                none: the server's MQTT port is off
              </span>
            ) : (
              <Copyable key="broker" text={broker} what="broker URL" />
            ),
          ],
          ['Device authority', <DeviceAuthority key="authority" />],
        ]}
      />
      <p className="quiet realm-note">
        Devices learn the broker when they are paired. Unless the server has a certificate of its
        own for MQTT, they must trust the device authority.
      </p>
      <Ways ways={edgehogWaysFor({ http, realm: realm.name }, null)} />
      {isMaking && <AgentToken realm={realm} onClose={making.close} />}
    </Section>
  )
}
