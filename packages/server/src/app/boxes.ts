/** Boxes, as operators keep them: where those of a profile reach the server, what is pasted into them, and a restart. */
import {
  type BoxServer,
  boxTokens,
  checkedBoxServer,
  DomainError,
  type JsonObject,
  type OperatorActor,
} from '@updraft/core'
import { deed } from './deed.ts'
import type { Clock, Stores, UnitOfWork } from './ports.ts'

export interface ShownBoxServer extends BoxServer {
  /** Null while devices may not enrol themselves into the profile; `pipes` where its key cannot be written so. */
  readonly tokens: ReturnType<typeof boxTokens> | null
}

export function boxes({
  canRestart,
  clock,
  unitOfWork,
}: {
  /** Whether a box that tells this of itself can be told to restart. */
  canRestart: (inventory: JsonObject) => boolean
  clock: Clock
  unitOfWork: UnitOfWork
}) {
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

    /**
     * A box on the line restarts, and fetches its handlers; one that is away does so anyhow when it comes. Refuses with
     * box.none or box.cannot-restart.
     */
    askRestart: (actor: OperatorActor, deviceId: string): Promise<void> =>
      unitOfWork(actor, async ({ boxes: stored, devices, events }) => {
        const { id, name, inventory } = (await devices.get(deviceId)).snapshot.device
        const at = clock.now()
        await stored.askRestart(id, at)
        if (!canRestart(inventory)) {
          const message = `Box "${name}" is older than 18.3 and cannot be told to restart; do so on its page.`
          throw new DomainError('box.cannot-restart', message)
        }
        const subject = { kind: 'device', id, name } as const
        await events.append([deed(actor, 'device.restart-asked', { at, subject, deviceId: id })])
      }),
  }
}

const none = () =>
  new DomainError(
    'box.server-none',
    'Nothing is said of where boxes of this profile reach the server.',
  )

export type BoxUseCases = ReturnType<typeof boxes>
