/** What a box tells its server of itself, in the words that other boxes use: docs/dialects/odoo-iot.md. */
import type { Json, JsonObject } from '@updraft/core'
import type { Jobs } from './jobs.ts'
import { wentBackFrom } from './layer.ts'
import { type BoxLayers, inOrder } from './layers.ts'
import { interfacesNow, platformLetter } from './machine.ts'

/** What does not come from the layers. */
export interface Told {
  readonly ofTheMachine: JsonObject
  readonly identifier: string
  readonly serial: string | null
  readonly model: string | null
  /** For people. */
  readonly networkNotes: string
  readonly name: string | null
  readonly hostName: string
  readonly kind: 'physical' | 'virtual'
  readonly homePort: number | null
}

export function boxFacts(
  told: Told,
  { layers, last }: { layers: BoxLayers; last: Jobs['last'] },
): JsonObject {
  const { ofTheMachine, identifier, serial, model, name, hostName } = told
  const { kind, homePort, networkNotes } = told
  const [network] = interfacesNow()
  const ofLayers = inOrder(layers).map((layer) => {
    const status = layer.status()
    const { active, previous, trial, refusal, details } = status
    const ended = last[layer.name]
    const result = ended ? { kind: ended.result, because: ended.because, at: ended.endedAt } : null
    return [
      layer.name,
      { active, previous, trial, refusal, wentBackFrom: wentBackFrom(status), details, result },
    ]
  })
  return {
    ...ofTheMachine,
    identifier,
    ...(serial === null ? {} : { serial }),
    ...(model === null ? {} : { model }),
    ...(name === null ? {} : { name }),
    hostName,
    ...(network ? { mac: network.mac, ip: network.addresses[0] ?? null } : {}),
    platform: platformLetter(),
    box: { kind, homePort, network: networkNotes, layers: plain(Object.fromEntries(ofLayers)) },
  }
}

/** As it would be on the line: what is no JSON is left out. */
const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json
