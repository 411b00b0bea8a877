/** One device: what it should run and why, what is under way, all that happened, and what it tells of itself. */
import { Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { CampaignLines } from '../parts/campaign-lines.tsx'
import { Copyable } from '../parts/copyable.tsx'
import { Detail, Facts } from '../parts/detail.tsx'
import { JsonFacts } from '../parts/json-facts.tsx'
import { Section } from '../parts/section.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { lookOf } from '../words/states.tsx'
import { Component } from './device/component.tsx'
import { Credentials } from './device/credentials.tsx'
import { History } from './device/history.tsx'
import { DeviceMenu } from './device/menu.tsx'
import { Pairing } from './device/pairing.tsx'
import './device/device.css'

export type DeviceData = Output<'showDevice'>

/** What a profile's devices have, even when nothing is assigned yet. */
const USUAL_TYPE = 'firmware'

export function Device() {
  const { deviceId } = useParams({ from: '/inside/devices/$deviceId' })
  const {
    data: device,
    error,
    isPending,
  } = useQuery(read('devices', 'showDevice', { params: { id: deviceId } }))
  const may = useMay()
  // While another device is read, the one before is not shown for it.
  const isThis = device?.id === deviceId
  return (
    <Detail
      title={isThis ? device.name : 'Device'}
      mark={isThis && <StateBadge look={lookOf(device)} />}
      actions={isThis && may('device.write') && <DeviceMenu device={device} />}
      backTo="/devices"
      error={error}
      isPending={isPending || !isThis}
    >
      {isThis && <Details device={device} />}
    </Detail>
  )
}

function Details({ device }: { device: DeviceData }) {
  const may = useMay()
  const types = Object.keys(device.components).sort()
  return (
    <>
      <p className="detail-line quiet">
        {device.profile}
        {device.dialect && <> · speaks {device.dialect}</>} · seen{' '}
        <TimeAgo at={device.lastSeenAt} never="never" />
      </p>
      {(types.length > 0 ? types : [USUAL_TYPE]).map((type) => (
        <Component key={type} device={device} type={type} />
      ))}
      <Section title="History">
        <History device={device} />
      </Section>
      {may('campaign.read') && (
        <Section title="Campaigns">
          <CampaignLines query={{ deviceId: device.id }} none="It belongs to none." />
        </Section>
      )}
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
      <Section title="What it tells of itself">
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
