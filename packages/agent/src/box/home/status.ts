/** What the page and `/api/status` show: one value, made anew whenever something changes. */
import { DEFAULT_BOX_FORM } from '@updraft/core'
import type { HeldRelease } from '@updraft/wire/updraft'
import type { Box, Contact } from '../box.ts'
import type { Held } from '../form.ts'
import type { EndedJob, Job } from '../jobs.ts'
import type { BoxLayerName, LayerStatus } from '../layer.ts'
import { type BoxLayers, inOrder } from '../layers.ts'
import type { Identity, NetworkInterface, Vitals } from '../machine.ts'

export interface LayerView extends Omit<LayerStatus, 'details'> {
  readonly details: unknown
  /** Of releases and series, as operators have set it. */
  readonly channel: string | null
  readonly updates: 'automatic' | 'button'
  /** What the last job of this layer came to. */
  readonly last: EndedJob | null
  /** A release that waits for this box, by word of the server. */
  readonly waiting: HeldRelease | null
}

export interface BoxStatus {
  readonly phase: Box['phase']
  /** Another with each start of the program. */
  readonly start: string
  readonly version: string
  readonly name: string | null
  readonly kind: 'physical' | 'virtual'
  readonly identity: Identity
  readonly machine: Vitals
  readonly network: readonly NetworkInterface[]
  readonly networkNotes: string
  readonly server: (Box['server'] & {}) | null
  readonly contact: Contact
  readonly series: string | null
  readonly held: Held | null
  readonly job: Job | null
  readonly latest: EndedJob | null
  readonly layers: Readonly<Record<BoxLayerName, LayerView>>
}

export interface StatusNeeds {
  readonly box: Box
  readonly layers: BoxLayers
  readonly start: string
  readonly version: string
  readonly kind: 'physical' | 'virtual'
  readonly identity: Identity
  readonly vitals: () => Promise<Vitals>
  readonly network: () => readonly NetworkInterface[]
}

export async function statusOf(
  needs: StatusNeeds,
  kept: Pick<import('../box.ts').BoxNeeds, 'config' | 'form' | 'jobs'>,
): Promise<BoxStatus> {
  const { box, layers, start, version, kind, identity } = needs
  const { config, form, jobs } = kept
  const views = inOrder(layers).map((layer): [BoxLayerName, LayerView] => {
    const own = form.current?.layers[layer.name]
    const isOff = layer.name === 'handlers' && form.current?.automaticDriversUpdate === false
    return [
      layer.name,
      {
        ...layer.status(),
        channel: own?.channel ?? null,
        updates: isOff ? 'button' : (own ?? DEFAULT_BOX_FORM.layers[layer.name]).updates,
        last: jobs.last[layer.name] ?? null,
        waiting: box.held.find(({ type }) => type === layer.name) ?? null,
      },
    ]
  })
  return {
    phase: box.phase,
    start,
    version,
    name: config.current.name,
    kind,
    identity,
    machine: await needs.vitals(),
    network: needs.network(),
    networkNotes: config.current.network,
    server: box.server,
    contact: box.contact,
    series: box.series,
    held: form.held(),
    job: jobs.current,
    latest: jobs.latest,
    layers: Object.fromEntries(views) as BoxStatus['layers'],
  }
}
