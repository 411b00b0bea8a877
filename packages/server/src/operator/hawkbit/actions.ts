/** Actions: what a device was told under one number, and what it said of it. */
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
  return pagedList(
    items.map((action) => actionDocument(asked, controllerId, action)),
    total,
  )
}

export async function showAction(asked: Asked, controllerId: string, id: string) {
  const { action } = await actionOf(asked, controllerId, id)
  const device = {
    href: asked.at.of(`/targets/${encodeURIComponent(controllerId)}`).href,
    name: controllerId,
  }
  return actionDocument(asked, controllerId, action, { target: device })
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
  { at }: Asked,
  controllerId: string,
  action: ActionView,
  links: Links = {},
) {
  const target = `/targets/${encodeURIComponent(controllerId)}`
  const path = `${target}/actions/${action.id}`
  const { set } = action
  return {
    createdAt: millis(action.createdAt),
    lastModifiedAt: millis(action.changedAt),
    id: action.id,
    type: action.isCancel ? 'cancel' : 'update',
    status: action.isOver ? 'finished' : 'pending',
    detailStatus: action.detail,
    active: !action.isOver,
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

const statusDocument = ({ id, type, messages, at }: Noted & { id: number }) => ({
  id,
  type,
  messages,
  reportedAt: millis(at),
  timestamp: millis(at),
})
