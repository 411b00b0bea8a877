/** What we hold of a device, what it is known by, and what it tells of itself. */
import { Button, Group } from '@mantine/core'
import { useChange } from '../../data/changes.ts'
import { useMay } from '../../data/session.ts'
import { Copyable } from '../../parts/copyable.tsx'
import { Facts } from '../../parts/detail.tsx'
import { JsonFacts } from '../../parts/json-facts.tsx'
import { Section } from '../../parts/section.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import type { DeviceData } from '../device.tsx'
import { Credentials } from './credentials.tsx'
import { Pairing } from './pairing.tsx'

export function AboutDevice({ device }: { device: DeviceData }) {
  const may = useMay()
  return (
    <>
      <div className="device-columns">
        <Section title="About">
          <Facts
            facts={[
              ['Profile', device.profile],
              ...(device.systemModel ? [['Model', device.systemModel.name] as const] : []),
              ...(device.hardwareType ? [['Hardware', device.hardwareType.name] as const] : []),
              ...(device.cloud ? [['Cloud', device.cloud] as const] : []),
              ['Customer', device.customer ?? <span className="quiet">none</span>],
              ['Labels', <Labels key="labels" labels={device.labels} />],
              ['Added', <TimeAgo key="added" at={device.createdAt} />],
              ['Id', <Copyable key="id" text={device.id} what="id" />],
            ]}
          />
        </Section>
        {may('device.write') && <Credentials device={device} />}
      </div>
      {device.astarteId !== null && <Pairing device={device} />}
      <Section
        title="What it tells of itself"
        aside={device.dialect === 'hawkbit' && may('device.write') && <AskAnew device={device} />}
      >
        <JsonFacts json={device.inventory} none="It has told nothing yet." />
      </Section>
      {Object.keys(device.attributes).length > 0 && (
        <Section title="Attributes">
          <JsonFacts json={device.attributes} none="" />
        </Section>
      )}
    </>
  )
}

/** It is asked when it comes: it may take until then. */
function AskAnew({ device }: { device: DeviceData }) {
  const ask = useChange('askForAttributes', {
    touches: ['devices'],
    done: `${device.name} is asked when it next comes.`,
  })
  return (
    <Button
      size="xs"
      variant="default"
      loading={ask.isPending}
      onClick={() => ask.mutate({ params: { id: device.id } })}
    >
      Ask anew
    </Button>
  )
}

function Labels({ labels }: { labels: readonly string[] }) {
  if (labels.length === 0) return <span className="quiet">none</span>
  return (
    <Group gap={4}>
      {labels.map((label) => (
        <span key={label} className="label">
          {label}
        </span>
      ))}
    </Group>
  )
}
