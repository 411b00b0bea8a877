/** Our own boxes, as they check in: what is set for them, and what operators want done once. */
import { type BoxForm, boxFormOf, type JsonObject, type Snapshot } from '@updraft/core'
import type { BoxesAtWork, Clock, UnitOfWork, Wish } from './ports.ts'

/** Who was told so lately may still be at it: its line is not ended for the same wish again. */
const TOLD_AGAIN_MS = 30_000

export interface AroundBox {
  readonly form: BoxForm
  readonly series: string | null
  readonly wishes: readonly Wish[]
  /** Whether it is to hear of one at once. */
  readonly isUrgent: boolean
}

export interface OwnBoxDesk {
  /** What a box is told besides its updates; null for a device that is none. `inventory`: what it tells of itself now. */
  aroundBox(device: Snapshot, inventory: JsonObject | undefined): Promise<AroundBox | null>
  /** It is told of these. */
  wishesTold(wishes: readonly Wish[]): Promise<void>
  /** It has done these, or never will; what is none of its wishes is passed over. */
  wishesDone(device: Snapshot, ids: readonly string[]): Promise<void>
}

export function ownBoxDesk({
  boxes,
  clock,
  unitOfWork,
}: {
  boxes: Pick<BoxesAtWork, 'around' | 'told'>
  clock: Clock
  unitOfWork: UnitOfWork
}): OwnBoxDesk {
  const isUrgent = ({ toldAt }: Wish) =>
    toldAt === null || clock.now().getTime() - toldAt.getTime() >= TOLD_AGAIN_MS

  return {
    aroundBox: async ({ device }, inventory = device.inventory) => {
      const form = boxFormOf({ ...device, inventory })
      if (!form) return null
      const { id: deviceId, profileId } = device
      const { series, wishes } = await boxes.around({ deviceId, profileId })
      return { form, series, wishes, isUrgent: wishes.some(isUrgent) }
    },
    wishesTold: async (wishes) => {
      if (wishes.length === 0) return
      await boxes.told(
        wishes.map(({ id }) => id),
        clock.now(),
      )
    },
    wishesDone: async ({ tenantId, device: { id, name } }, ids) => {
      if (ids.length === 0) return
      await unitOfWork({ tenantId, customerId: null }, async ({ boxes: stored, events }) => {
        const done = await stored.done(id, ids)
        const subject = { kind: 'device', id, name } as const
        await events.append(
          done.map(({ kind }) => ({
            kind: 'device.wish-done',
            at: clock.now(),
            actor: subject,
            subject,
            deviceId: id,
            data: { wish: kind },
          })),
        )
      })
    },
  }
}
