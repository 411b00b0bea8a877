/** One device: what it should run and why, what is under way, all that happened, and what it tells of itself. */
import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { isBox } from '@updraft/core'
import { lazy, Suspense } from 'react'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { Detail } from '../parts/detail.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { lookOfBox } from '../words/boxes.ts'
import { lookOf } from '../words/states.tsx'
import { AboutDevice } from './device/about.tsx'
import { Component } from './device/component.tsx'
import { DeviceMenu } from './device/menu.tsx'
import { Updates } from './device/updates.tsx'
import './device/device.css'

export type DeviceData = Output<'showDevice'>

const BoxDetails = lazy(() =>
  import('./device/box.tsx').then((module) => ({ default: module.BoxDetails })),
)

/** What a profile's devices have, even when nothing is assigned yet. */
const USUAL_TYPE = 'firmware'

export function Device() {
  const { deviceId } = useParams({ from: '/inside/devices/$deviceId' })
  return <DetailOf deviceId={deviceId} backTo="/devices" />
}

/** The same device, over the list of boxes. */
export function Box() {
  const { deviceId } = useParams({ from: '/inside/boxes/$deviceId' })
  return <DetailOf deviceId={deviceId} backTo="/boxes" />
}

function DetailOf({ deviceId, backTo }: { deviceId: string; backTo: '/devices' | '/boxes' }) {
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
      mark={isThis && <StateBadge look={isBox(device) ? lookOfBox(device) : lookOf(device)} />}
      actions={isThis && may('device.write') && <DeviceMenu device={device} backTo={backTo} />}
      backTo={backTo}
      error={error}
      isPending={isPending || !isThis}
    >
      {isThis && <Details device={device} />}
    </Detail>
  )
}

function Details({ device }: { device: DeviceData }) {
  const types = Object.keys(device.components).sort()
  return (
    <>
      <p className="detail-line quiet">
        {device.profile}
        {device.dialect && <> · speaks {device.dialect}</>} · seen{' '}
        <TimeAgo at={device.lastSeenAt} never="never" />
      </p>
      {isBox(device) ? (
        <Suspense fallback={<Skeleton height={320} />}>
          <BoxDetails device={device} />
        </Suspense>
      ) : (
        <>
          {(types.length > 0 ? types : [USUAL_TYPE]).map((type) => (
            <Component key={type} device={device} type={type} />
          ))}
          <Updates device={device} />
          <AboutDevice device={device} />
        </>
      )}
    </>
  )
}
