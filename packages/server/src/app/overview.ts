/** What is going on over the whole fleet, in figures. */
import type { OperatorActor } from '@updraft/core'
import type { Clock, Devices, Figures, UnitOfWork } from './ports.ts'

const HOUR_SECONDS = 3600
const RECENTLY_HOURS = 24

export type Counts = Awaited<ReturnType<Devices['countByState']>> & {
  readonly seen: Awaited<ReturnType<Figures['seen']>>
}

export interface ActivityFigures {
  readonly stepSeconds: number
  readonly steps: Awaited<ReturnType<Figures['endsByTime']>>
}

export function overview({ clock, unitOfWork }: { clock: Clock; unitOfWork: UnitOfWork }) {
  const ago = (hours: number) => new Date(clock.now().getTime() - hours * HOUR_SECONDS * 1000)

  return {
    counts: (actor: OperatorActor): Promise<Counts> =>
      unitOfWork(actor, async ({ devices, figures }) => ({
        ...(await devices.countByState()),
        seen: await figures.seen(ago(RECENTLY_HOURS)),
      })),

    /** Whole steps, the last of them the one that is under way. */
    activity: (
      actor: OperatorActor,
      { hours, steps }: { hours: number; steps: number },
    ): Promise<ActivityFigures> => {
      const stepSeconds = Math.ceil((hours * HOUR_SECONDS) / steps)
      const stepMs = stepSeconds * 1000
      const until = new Date((Math.floor(clock.now().getTime() / stepMs) + 1) * stepMs)
      const since = new Date(until.getTime() - steps * stepMs)
      return unitOfWork(actor, async ({ figures }) => ({
        stepSeconds,
        steps: await figures.endsByTime({ since, until, stepSeconds }),
      }))
    },

    installed: (actor: OperatorActor) => unitOfWork(actor, ({ figures }) => figures.installed()),

    failures: (actor: OperatorActor, limit: number) =>
      unitOfWork(actor, ({ figures }) => figures.failures(limit)),
  }
}

export type Overview = ReturnType<typeof overview>
