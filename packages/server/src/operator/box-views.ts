/** Boxes and what devices log, as operators see them. */
import type * as api from '@updraft/api/shapes'
import { choose, isOwnBox, type Snapshot, situationOf } from '@updraft/core'
import type { BoxView } from '../app/boxes.ts'
import type { KeptLine } from '../app/ports.ts'
import { targetOf, time, timeOrNull } from './views.ts'

export function boxView(
  { device: { snapshot }, form, series, canRestart, wishes }: BoxView,
  now: Date,
): api.Box {
  const { device } = snapshot
  const { handlers, code, image } = form.layers
  return {
    deviceId: device.id,
    name: device.name,
    kind: isOwnBox(device) ? 'updraft' : 'odoo',
    form: {
      ...form,
      hold: form.hold && { ...form.hold },
      layers: { handlers: { ...handlers }, code: { ...code }, image: { ...image } },
    },
    series,
    held: heldOf(snapshot, now),
    canRestart,
    wishes: wishes.map(({ id, kind, askedAt, toldAt }) => ({
      id,
      kind,
      askedAt: time(askedAt),
      toldAt: timeOrNull(toldAt),
    })),
  }
}

function heldOf(snapshot: Snapshot, now: Date): api.Box['held'] {
  return Object.keys(snapshot.components).flatMap((type) => {
    const choice = choose(situationOf(snapshot, type, { isHere: false }), now)
    const release = targetOf(choice)
    if (!('held' in choice) || !choice.held || !release) return []
    const { because, comesIfAsked, lookAgainAt } = choice.held
    return {
      type,
      release,
      because: because.message,
      reason: because,
      comesIfAsked,
      lookAgainAt: timeOrNull(lookAgainAt),
    }
  })
}

export const logLineView = ({ id, at, receivedAt, level, message }: KeptLine): api.LogLine => ({
  id,
  at: time(at),
  receivedAt: time(receivedAt),
  level,
  message,
})
