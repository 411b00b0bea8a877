/** What the device is to Astarte: under which id, whether it may come, whether it is here, and what it speaks. */
import { Alert, Button, Group, Menu, Skeleton, UnstyledButton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconBan, IconCheck, IconChevronRight, IconKey, IconPlugOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { Output } from '@updraft/api/client'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { read } from '../../data/queries.ts'
import { usePairing, usePairingRealm } from '../../data/realm.ts'
import { useMay } from '../../data/session.ts'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { Copyable } from '../../parts/copyable.tsx'
import { Facts } from '../../parts/detail.tsx'
import { MoreMenu } from '../../parts/more-menu.tsx'
import { PairedSecret } from '../../parts/paired-secret.tsx'
import { Section } from '../../parts/section.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { PAIRED, PAIRED_MEANS } from '../../words/astarte.ts'
import { plural } from '../../words/numbers.ts'
import type { DeviceData } from '../device.tsx'

type PairingData = Output<'showPairing'>

const TOUCHES = ['devices', 'operations', 'realm'] as const

export function Pairing({ device }: { device: DeviceData }) {
  const may = useMay()
  const { data: pairing, error } = usePairing(device)
  const isThis = pairing?.deviceId === device.id
  return (
    <Section
      title="Astarte"
      aside={isThis && may('device.write') && <Actions device={device} pairing={pairing} />}
    >
      {error ? (
        <Trouble error={error} />
      ) : isThis ? (
        <About pairing={pairing} />
      ) : (
        <Skeleton h={96} />
      )}
    </Section>
  )
}

function About({ pairing }: { pairing: PairingData }) {
  const may = useMay()
  const { astarteId, status, cancelling, deviceId } = pairing
  const credentials = useQuery({
    ...read('devices', 'listCredentials', { params: { id: deviceId } }),
    enabled: may('device.write'),
  })
  const certificate = credentials.data?.items.find(({ kind }) => kind === 'x509')?.certificate
  const interfaces = Object.entries(pairing.interfaces).sort(([a], [b]) => a.localeCompare(b))
  return (
    <>
      {cancelling.length > 0 && (
        <Alert color="gray" mb="xs">
          {cancelling.length === 1 ? 'An update was' : `${cancelling.length} updates were`}{' '}
          cancelled here that the device was told of. It is asked to stop as soon as it is on the
          line.
        </Alert>
      )}
      <Facts
        facts={[
          ['Device id', <Copyable key="id" text={astarteId} what="device id" />],
          [
            'Pairing',
            <span key="pairing">
              <StateBadge {...PAIRED[status]} isBare />{' '}
              <span className="quiet">{PAIRED_MEANS[status]}</span>
            </span>,
          ],
          ['Line', <Line key="line" pairing={pairing} />],
          ...(certificate
            ? [
                [
                  'Certificate',
                  <span key="certificate">
                    ends <TimeAgo at={certificate.validTo} />
                  </span>,
                ] as const,
              ]
            : []),
          [
            'Interfaces',
            interfaces.length === 0 ? (
              <span key="interfaces" className="quiet">
                none told yet
              </span>
            ) : (
              <Interfaces key="interfaces" interfaces={interfaces} />
            ),
          ],
        ]}
      />
    </>
  )
}

function Line({
  pairing: { isConnected, connectedAt, disconnectedAt, lastAddress },
}: {
  pairing: PairingData
}) {
  const from = lastAddress === null ? null : <span className="mono"> {lastAddress}</span>
  if (isConnected) {
    return (
      <>
        connected since <TimeAgo at={connectedAt} />
        {from && <>, from{from}</>}
      </>
    )
  }
  if (connectedAt === null) return <span className="quiet">has never been connected</span>
  return (
    <>
      away{' '}
      {disconnectedAt !== null && (
        <>
          since <TimeAgo at={disconnectedAt} />
        </>
      )}
      {from && <>, last from{from}</>}
    </>
  )
}

function Interfaces({ interfaces }: { interfaces: readonly (readonly [string, string])[] }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <UnstyledButton
        className="interfaces"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <IconChevronRight size={14} data-open={isOpen || undefined} aria-hidden />{' '}
        {plural(interfaces.length, 'interface')}
      </UnstyledButton>
      {isOpen && (
        <ul className="interfaces-list">
          {interfaces.map(([name, version]) => (
            <li key={name}>
              <span className="mono">{name}</span> <span className="quiet figure">{version}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function Actions({ device, pairing }: { device: DeviceData; pairing: PairingData }) {
  const params = { id: device.id }
  const realm = usePairingRealm()
  const [question, ask] = useState<Question | null>(null)
  const over = () => ask(null)
  const isInhibited = pairing.status === 'inhibited'
  const allow = useChange('changePairing', {
    touches: TOUCHES,
    done: isInhibited ? `${device.name} may come in again.` : `${device.name} is kept outside.`,
  })
  const unpair = useChange('unpairDevice', {
    touches: TOUCHES,
    done: `${device.name} may register again.`,
  })
  const again = useChange('pairDevice', { touches: TOUCHES })
  const [isShown, shown] = useDisclosure()
  const set = (to: boolean) =>
    allow.mutate({ params, body: { isInhibited: to } }, { onSettled: over })
  return (
    <Group gap={4}>
      {isInhibited ? (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconCheck size={14} />}
          loading={allow.isPending}
          onClick={() => set(false)}
        >
          Allow
        </Button>
      ) : (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconBan size={14} />}
          onClick={() =>
            ask({
              title: `Keep ${device.name} outside?`,
              body: 'Its line is ended, and it is refused until it is allowed in again. What it has stays good.',
              yes: 'Inhibit it',
              isDangerous: true,
              onYes: () => set(true),
            })
          }
        >
          Inhibit
        </Button>
      )}
      <MoreMenu label="Astarte: more">
        {realm && (
          <Menu.Item
            leftSection={<IconKey size={16} />}
            onClick={() =>
              ask({
                title: 'Make a new credentials secret?',
                body: 'The secret and the certificate it has are void at once. The new secret is shown once, to be put on the device.',
                yes: 'Make a new secret',
                isDangerous: true,
                onYes: () =>
                  again.mutate(
                    { params, body: { astarteId: pairing.astarteId } },
                    { onSuccess: shown.open, onSettled: over },
                  ),
              })
            }
          >
            New credentials secret…
          </Menu.Item>
        )}
        <Menu.Item
          leftSection={<IconPlugOff size={16} />}
          onClick={() =>
            ask({
              title: `Unregister ${device.name}?`,
              body: 'Its secret and its certificate are void at once. It stays here with its history, and may register again under the same id.',
              yes: 'Unregister it',
              isDangerous: true,
              onYes: () => unpair.mutate({ params }, { onSettled: over }),
            })
          }
        >
          Unregister…
        </Menu.Item>
      </MoreMenu>
      <Confirm
        question={question}
        isBusy={allow.isPending || unpair.isPending || again.isPending}
        onClose={over}
      />
      {isShown && again.data && realm && (
        <PairedSecret
          title={device.name}
          realm={realm.name}
          device={again.data}
          onClose={() => {
            shown.close()
            again.reset()
          }}
        />
      )}
    </Group>
  )
}
