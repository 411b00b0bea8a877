/** Actions: what a device was told under one number, and what it said of it. */
import { can, type Urgency } from '@updraft/core'
import { z } from 'zod'
import type { ActionView, Noted } from '../../app/target-actions.ts'
import type { Asked } from './asked.ts'
import { deviceOf } from './device-of.ts'
import {
  checked,
  type Links,
  millis,
  numberIn,
  PageQuery,
  pagedList,
  sortOf,
  unsupported,
} from './documents.ts'
import { windowDocument } from './maintenance-window.ts'
import { profileIfAny, settingsOf } from './profile.ts'

export async function listActions(asked: Asked, controllerId: string, query: unknown) {
  const { q, offset, limit, ...rest } = checked(PageQuery, query)
  if (q) throw unsupported('Actions cannot be asked for by a query here.')
  const isNewestFirst = sortOf(rest, ['id'])?.isDescending ?? false
  const device = await deviceOf(asked, controllerId)
  const { items, total } = await asked.asks.under(
    'listDeviceOperations',
    (actor) => asked.needs.targetActions.list(actor, device.id, { offset, limit, isNewestFirst }),
    device.id,
  )
  const usual = await usualUrgency(asked)
  return pagedList(
    items.map((action) => actionDocument(asked, controllerId, action, { usual })),
    total,
  )
}

export async function showAction(asked: Asked, controllerId: string, id: string) {
  const { action } = await actionOf(asked, controllerId, id)
  const device = {
    href: asked.at.of(`/targets/${encodeURIComponent(controllerId)}`).href,
    name: controllerId,
  }
  return actionDocument(asked, controllerId, action, {
    usual: await usualUrgency(asked),
    links: { target: device },
  })
}

/** The newest first, as hawkBit's clients ask for them. */
export async function listStatuses(asked: Asked, controllerId: string, id: string, query: unknown) {
  const { offset, limit, ...rest } = checked(PageQuery, query)
  const isNewestFirst = sortOf(rest, ['id', 'reportedAt', 'timestamp'])?.isDescending ?? false
  const { device, action } = await actionOf(asked, controllerId, id)
  const { items, total } = await asked.asks.under(
    'showOperation',
    () => asked.needs.targetActions.statuses(action, { offset, limit, isNewestFirst }),
    device.id,
  )
  return pagedList(items.map(statusDocument), total)
}

const ActionChange = z.object({ forceType: z.literal('forced') })

/** From now on the device must. */
export async function changeAction(asked: Asked, controllerId: string, id: string, body: unknown) {
  checked(ActionChange, body)
  const { device, action } = await actionOf(asked, controllerId, id)
  await asked.asks.under(
    'forceOperation',
    (actor) => asked.needs.targetActions.force(actor, action),
    device.id,
  )
  return showAction(asked, controllerId, id)
}

/** Asks the device to stop; with `force`, after that, nothing is waited for any more. */
export async function cancelAction(
  asked: Asked,
  controllerId: string,
  id: string,
  query: unknown,
): Promise<void> {
  const isForced = (query as { force?: string }).force === 'true'
  const { device, action } = await actionOf(asked, controllerId, id)
  const { targetActions } = asked.needs
  await asked.asks.under(
    'cancelOperation',
    (actor) =>
      isForced ? targetActions.forceQuit(actor, action) : targetActions.cancel(actor, action),
    device.id,
  )
}

async function actionOf(asked: Asked, controllerId: string, id: string) {
  const device = await deviceOf(asked, controllerId)
  const action = await asked.asks.under(
    'showOperation',
    (actor) => asked.needs.targetActions.show(actor, device.id, numberIn(id)),
    device.id,
  )
  return { device, action }
}

function actionDocument(
  { at, needs }: Asked,
  controllerId: string,
  action: ActionView,
  { usual, links = {} }: { usual: Urgency; links?: Links },
) {
  const target = `/targets/${encodeURIComponent(controllerId)}`
  const path = `${target}/actions/${action.id}`
  const { set, handling } = action
  const maintenanceWindow = windowDocument(handling.windows, needs.clock.now())
  return {
    createdAt: millis(action.createdAt),
    lastModifiedAt: millis(action.changedAt),
    id: action.id,
    type: action.isCancel ? 'cancel' : 'update',
    status: action.isOver ? 'finished' : 'pending',
    detailStatus: action.detail,
    active: !action.isOver,
    ...forceOf(action, usual),
    ...(maintenanceWindow && { maintenanceWindow }),
    _links: {
      self: at.of(path),
      ...links,
      ...(set && {
        distributionset: {
          ...at.of(`/distributionsets/${set.id}`),
          name: `${set.name}:${set.version}`,
        },
      }),
      status: at.of(`${path}/status?offset=0&limit=50&sort=id%3ADESC`),
    } satisfies Links,
  }
}

/** Of what is said nothing of; who may not read settings is told of the standard. */
async function usualUrgency(asked: Asked): Promise<Urgency> {
  const found = await profileIfAny(asked)
  if (!found || !can(asked.asks.actor, 'cloud.read')) return 'forced'
  return (await settingsOf(asked, found)).handling === 'forced' ? 'forced' : 'soft'
}

function forceOf({ handling }: ActionView, usual: Urgency) {
  const { urgency, forcedFrom, isDownloadOnly } = handling
  if (isDownloadOnly) return { forceType: 'downloadonly' }
  if (forcedFrom === null) return { forceType: urgency ?? usual }
  return { forceType: 'timeforced', forceTime: millis(forcedFrom) }
}

const statusDocument = ({ id, type, messages, at }: Noted & { id: number }) => ({
  id,
  type,
  messages,
  reportedAt: millis(at),
  timestamp: millis(at),
})
