/** One layer of a box: what it runs, could go back to and should run, and what is set for it. */
import type { BoxLayerName } from '@updraft/core'
import { type BoxData, useBoxServer } from '../../../data/boxes.ts'
import { Facts } from '../../../parts/detail.tsx'
import { StateBadge } from '../../../parts/state-badge.tsx'
import { TimeAgo } from '../../../parts/time-ago.tsx'
import { isOwn, LAYER_WORDS, seriesOf, type ToldBox, type ToldLayer } from '../../../words/boxes.ts'
import type { Look } from '../../../words/states.tsx'
import type { DeviceData } from '../../device.tsx'
import { Component } from '../component.tsx'

type Line = readonly [name: string, value: React.ReactNode]

export function LayerCard({
  device,
  layer,
  told,
  box,
}: {
  device: DeviceData
  layer: BoxLayerName
  told: ToldBox
  /** Absent while it is read. */
  box: BoxData | undefined
}) {
  const { previous, trial, last, refusal } = told.layers[layer]
  const held = device.components[layer]?.held
  const lines: Line[] = [
    ...(trial ? [['On trial', <Version key="trial" of={trial} />] as const] : []),
    ...(previous ? [['Before it', <Version key="previous" of={previous} />] as const] : []),
    ...(last ? [['Last attempt', <Last key="last" result={last} />] as const] : []),
    ...(layer === 'image' && told.slots.length > 0
      ? [['Slots', <Slots key="slots" told={told} />] as const]
      : []),
    ...(layer === 'code' ? codeLines(told) : []),
    ...(box && isOwn(device) ? [['Updates', updatesWords(box, layer)] as const] : []),
  ]
  return (
    <Component
      device={device}
      type={layer}
      title={LAYER_WORDS[layer]}
      unassigned={layer === 'code' && <Series device={device} />}
    >
      {held?.comesIfAsked && layer === 'handlers' && (
        <p className="quiet component-note">It comes as soon as somebody presses Load handlers.</p>
      )}
      {refusal && (
        <p className="component-note">
          {refusal.because} {refusal.instead && <span className="quiet">{refusal.instead}</span>}
        </p>
      )}
      {lines.length > 0 && (
        <div className="layer-facts">
          <Facts facts={lines} />
        </div>
      )}
    </Component>
  )
}

function Version({
  of: { title, version, installedAt },
}: {
  of: NonNullable<ToldLayer['active']>
}) {
  return (
    <>
      {title} <span className="mono">{version}</span>
      {installedAt && (
        <span className="quiet">
          {' '}
          <TimeAgo at={installedAt} />
        </span>
      )}
    </>
  )
}

const RESULT_LOOKS: Readonly<
  Record<NonNullable<ToldLayer['last']>['kind'], { readonly look: Look; readonly word: string }>
> = {
  done: { look: 'UPDATED', word: 'done' },
  updated: { look: 'UPDATED', word: 'updated' },
  unchanged: { look: 'NONE', word: 'nothing new' },
  failed: { look: 'FAILED', word: 'failed' },
  'rolled-back': { look: 'FAILED', word: 'went back' },
}

function Last({ result: { kind, at, because } }: { result: NonNullable<ToldLayer['last']> }) {
  return (
    <>
      <StateBadge {...RESULT_LOOKS[kind]} isBare />{' '}
      {at && (
        <span className="quiet">
          <TimeAgo at={at} />
        </span>
      )}
      {because && <div className="quiet">{because}</div>}
    </>
  )
}

const Slots = ({ told: { slots, runningSlot } }: { told: ToldBox }) => (
  <>
    {slots.map(({ name, version }) => (
      <div key={name}>
        <span className="mono">{name}</span>{' '}
        <span className="mono quiet">{version ?? 'empty'}</span>
        {name === runningSlot && ' runs'}
      </div>
    ))}
  </>
)

function codeLines({ upstream }: ToldBox): readonly Line[] {
  if (!upstream) return []
  const { url, branch, lookedAt } = upstream
  return [
    [
      'Upstream',
      <>
        <span className="mono">{url}</span>
        {branch !== null && (
          <>
            {' '}
            at <span className="mono">{branch}</span>
          </>
        )}
        {lookedAt && (
          <span className="quiet">
            , looked at <TimeAgo at={lookedAt} />
          </span>
        )}
      </>,
    ],
  ]
}

function updatesWords({ form, kind }: BoxData, layer: BoxLayerName): string {
  const { updates, channel } = form.layers[layer]
  const isOff = layer === 'handlers' && !form.automaticDriversUpdate
  const how = isOff || updates === 'button' ? 'by the button' : 'automatic'
  const from =
    layer === 'code' && kind === 'updraft'
      ? form.codeFrom === 'server'
        ? ', from this server'
        : ', from upstream'
      : ''
  return `${how}, channel ${channel}${from}`
}

/** Whence its code comes, where no release of it is meant for the box. */
function Series({ device }: { device: DeviceData }) {
  const wanted = useBoxServer(device.profileId).data?.series
  const runs = seriesOf(device)
  if (wanted === undefined) return <>The box fetches it from elsewhere, by itself.</>
  if (runs === null || runs === wanted) {
    return (
      <>
        It follows series <span className="mono">{wanted}</span>, and fetches it by itself.
      </>
    )
  }
  return (
    <>
      It is to follow series <span className="mono">{wanted}</span>, and runs{' '}
      <span className="mono">{runs}</span>.
    </>
  )
}
