/**
 * Boxes, as operators keep them: where those of a profile reach the server and what is pasted into them; the form of each,
 * and what it is to do once.
 */
import {
  BOX_ATTRIBUTE,
  type BoxForm,
  type BoxServer,
  boxFormOf,
  boxTokens,
  checkedBoxForm,
  checkedBoxServer,
  DomainError,
  isOwnBox,
  type JsonObject,
  type OperatorActor,
  type WishKind,
  withBoxForm,
} from '@updraft/core'
import { deed } from './deed.ts'
import type { Clock, DeviceView, Ids, Stores, UnitOfWork, Wish } from './ports.ts'

export interface ShownBoxServer extends BoxServer {
  /** Null while devices may not enrol themselves into the profile; `pipes` where its key cannot be written so. */
  readonly tokens: ReturnType<typeof boxTokens> | null
}

/** A box as operators see it. */
export interface BoxView {
  readonly device: DeviceView
  readonly form: BoxForm
  readonly series: string | null
  readonly canRestart: boolean
  readonly wishes: readonly Wish[]
}

const ASKED = {
  restart: 'device.restart-asked',
  'load-handlers': 'device.load-handlers-asked',
} as const

export function boxes({
  canRestart,
  clock,
  ids,
  unitOfWork,
}: {
  /** Whether a box that tells this of itself can be told to restart. */
  canRestart: (inventory: JsonObject) => boolean
  clock: Clock
  ids: Ids
  unitOfWork: UnitOfWork
}) {
  /** Refuses with device.unknown or box.none. */
  const viewOf = async ({ boxes: stored, devices }: Stores, deviceId: string): Promise<BoxView> => {
    const device = await devices.get(deviceId)
    const { profileId, inventory } = device.snapshot.device
    const form = boxFormOf(device.snapshot.device)
    if (!form) throw new DomainError('box.none', 'The device is no box.')
    const server = await stored.server(profileId)
    return {
      device,
      form,
      series: server?.series ?? null,
      canRestart: isOwnBox(device.snapshot.device) || canRestart(inventory),
      wishes: await stored.wishes(deviceId),
    }
  }

  /** Our own boxes are told until they say that it is done; those of Odoo's restart, and count as asked for a while. */
  const ask = (actor: OperatorActor, deviceId: string, kind: WishKind): Promise<void> =>
    unitOfWork(actor, async ({ boxes: stored, devices, events }) => {
      const { device } = (await devices.get(deviceId)).snapshot
      const { id, name, inventory } = device
      const at = clock.now()
      if (isOwnBox(device)) await stored.wish(id, { id: ids.next(), kind, askedAt: at })
      else {
        await stored.askRestart(id, at)
        if (!canRestart(inventory)) {
          const message = `Box "${name}" is older than 18.3 and cannot be told to restart; do so on its page.`
          throw new DomainError('box.cannot-restart', message)
        }
      }
      const subject = { kind: 'device', id, name } as const
      await events.append([deed(actor, ASKED[kind], { at, subject, deviceId: id })])
    })

  const note = async (
    { events, profiles }: Stores,
    actor: OperatorActor,
    profileId: string,
    server: BoxServer | null,
  ) => {
    const { id, name } = await profiles.get(profileId)
    const subject = { kind: 'profile', id, name } as const
    const data = { changed: ['boxes'], ...server }
    await events.append([deed(actor, 'profile.changed', { at: clock.now(), subject, data })])
  }

  const shown = async (
    { boxes: stored, profiles }: Stores,
    { tenantId }: OperatorActor,
    profileId: string,
  ): Promise<ShownBoxServer> => {
    const { provisioning } = await profiles.get(profileId)
    const server = await stored.server(profileId)
    if (!server) throw none()
    const key = provisioning?.key
    return { ...server, tokens: key === undefined ? null : boxTokens(server, { tenantId, key }) }
  }

  return {
    /** Refuses with box.server-none. */
    showServer: (actor: OperatorActor, profileId: string): Promise<ShownBoxServer> =>
      unitOfWork(actor, (stores) => shown(stores, actor, profileId)),

    /** Refuses with box.invalid or box.host-taken. */
    setServer: (
      actor: OperatorActor,
      profileId: string,
      said: BoxServer,
    ): Promise<ShownBoxServer> =>
      unitOfWork(actor, async (stores) => {
        await stores.profiles.get(profileId)
        const server = checkedBoxServer(said)
        await stores.boxes.setServer(profileId, server)
        await note(stores, actor, profileId, server)
        return shown(stores, actor, profileId)
      }),

    /** Boxes keep the code they have. Refuses with box.server-none. */
    removeServer: (actor: OperatorActor, profileId: string): Promise<void> =>
      unitOfWork(actor, async (stores) => {
        await stores.profiles.get(profileId)
        if (!(await stores.boxes.removeServer(profileId))) throw none()
        await note(stores, actor, profileId, null)
      }),

    /** Refuses with box.none. */
    show: (actor: OperatorActor, deviceId: string): Promise<BoxView> =>
      unitOfWork(actor, (stores) => viewOf(stores, deviceId)),

    /**
     * Sets the whole form. Refuses with box.none, box.invalid, or request.version-mismatch when `revision` is given and no
     * longer the device's.
     */
    setForm: (
      actor: OperatorActor,
      deviceId: string,
      said: BoxForm,
      revision?: number,
    ): Promise<BoxView> =>
      unitOfWork(actor, async (stores) => {
        const { devices, events, spread } = stores
        const before = (await viewOf(stores, deviceId)).device
        const { id, name, attributes } = before.snapshot.device
        const form = checkedBoxForm(said)
        const to = { attributes: withBoxForm(attributes, form) }
        await devices.change(id, to, revision ?? before.revision)
        const at = clock.now()
        const subject = { kind: 'device', id, name } as const
        const { automaticDriversUpdate, [BOX_ATTRIBUTE]: box = {} } = to.attributes
        const data = { changed: ['box'], automaticDriversUpdate, box } as JsonObject
        await events.append([deed(actor, 'device.changed', { at, subject, deviceId: id, data })])
        await spread({ deviceId: id }, ids.next(), at)
        return viewOf(stores, deviceId)
      }),

    /**
     * A box on the line restarts, and fetches its handlers; one that is away does so when it comes. Refuses with box.none
     * or box.cannot-restart.
     */
    askRestart: (actor: OperatorActor, deviceId: string): Promise<void> =>
      ask(actor, deviceId, 'restart'),

    /** As if somebody pressed the button on its page. Refuses with box.none or box.cannot-restart. */
    askLoadHandlers: (actor: OperatorActor, deviceId: string): Promise<void> =>
      ask(actor, deviceId, 'load-handlers'),
  }
}

const none = () =>
  new DomainError(
    'box.server-none',
    'Nothing is said of where boxes of this profile reach the server.',
  )

export type BoxUseCases = ReturnType<typeof boxes>
