/**
 * Carries campaigns on: when their time has come, when devices of theirs moved, when devices are on the line that could
 * be asked, and when devices have been silent for too long. What is to be done is decided in core and by whoever looks at
 * a device; nothing is kept here that a restart would lose, and several servers may run at once.
 */
import { campaignNews, type Plan, plan, SERVER } from '@updraft/core'
import { rollBack } from './campaigns.ts'
import type { LiveSessions } from './live-sessions.ts'
import type { Look } from './look.ts'
import type {
  CampaignWork,
  Clock,
  DeliveredEvent,
  EventFeed,
  Every,
  Ids,
  Stores,
  UnitOfWork,
} from './ports.ts'

/** Deadlines, windows and newcomers are looked at this often; all else wakes it at once. */
const EVERY_MS = 10_000
const PAGE_SIZE = 500
/** Nobody on the line is left to be asked: those there are not looked through again this long. */
const NOBODY_MS = 60_000
/** So many are looked at together at least: the first of them may have reasons not to be asked. */
const AT_LEAST = 20
const NEWCOMERS_MS = 60_000

export interface CampaignRunner {
  start(): void
  /** Carries all of them on once, now. */
  run(): Promise<void>
  /** Finishes what is at hand. */
  stop(): Promise<void>
}

export function campaignRunner({
  clock,
  every,
  feed,
  ids,
  liveSessions,
  look,
  unitOfWork,
  work,
  addNewcomers,
  onError,
}: {
  clock: Clock
  every: Every
  feed: EventFeed
  ids: Ids
  liveSessions: Pick<LiveSessions, 'has' | 'here' | 'opened' | 'count'>
  look: Look
  unitOfWork: UnitOfWork
  work: CampaignWork
  /** Makes targets of devices the audience has come to hold. */
  addNewcomers: (campaign: { readonly tenantId: string; readonly id: string }) => Promise<void>
  onError: (error: unknown) => void
}): CampaignRunner {
  let isStopped = false
  let isDue = false
  /** Also those who are asked already: overdue, or to be told that it is over. */
  let isThorough = true
  let running: Promise<void> | null = null
  let end: (() => void) | undefined
  /** By campaign: until when nobody is looked for on the lines there were then, and when newcomers were looked for last. */
  const nobodyUntil = new Map<string, { readonly ms: number; readonly opened: number }>()
  const newcomersAt = new Map<string, number>()

  const runAll = async (isThorough: boolean) => {
    const open = await work.open()
    for (const campaign of open) {
      if (isStopped) return
      await carryOn(campaign, isThorough).catch(onError)
    }
    for (const campaign of await work.toRollBack()) await takeBack(campaign).catch(onError)
    forgetAllBut(new Set(open.map(({ id }) => id)))
  }

  const carryOn = async (
    { tenantId, id }: { tenantId: string; id: string },
    isThorough: boolean,
  ) => {
    const now = clock.now()
    const planned = await work.advance(id, now)
    if (!planned) return
    const { campaign } = planned
    if (isThorough && campaign.tally['in-progress'] > 0) {
      if (campaign.status === 'finished') await takeBackUntold(tenantId, id)
      await lookAtOverdue(tenantId, planned)
    }
    if (campaign.status === 'in-progress' && campaign.settings.isDynamic) {
      if (now.getTime() - (newcomersAt.get(id) ?? 0) >= NEWCOMERS_MS) {
        newcomersAt.set(id, now.getTime())
        await addNewcomers(campaign)
      }
    }
    if (planned.slots > 0 && campaign.tally.idle > 0) await askThoseHere(tenantId, planned)
  }

  /** Those who hold a line are told; all others hear of it when they call. */
  const askThoseHere = async (tenantId: string, { campaign: { id }, slots }: Plan) => {
    const now = clock.now()
    const { opened } = liveSessions
    const rest = nobodyUntil.get(id)
    if (rest && rest.ms > now.getTime() && rest.opened === opened) return
    let left = slots
    for (const page of pagesOf(liveSessions.here(), PAGE_SIZE)) {
      const waiting = await work.waiting(id, page)
      for (let next = 0; next < waiting.length; ) {
        if (isStopped) return
        const some = waiting.slice(next, next + Math.max(left, AT_LEAST))
        next += some.length
        await look({ tenantId, deviceIds: some }, { isHere: true })
        // Not all that are looked at are asked: a device may have a window of its own.
        left = (await work.advance(id, now))?.slots ?? 0
        if (left <= 0) return
      }
    }
    // Whoever could be asked was.
    nobodyUntil.set(id, { ms: now.getTime() + NOBODY_MS, opened })
  }

  const lookAtOverdue = async (tenantId: string, { campaign }: Plan) => {
    await eachPage(
      (after) => work.overdue(campaign, { now: clock.now(), after, limit: PAGE_SIZE }),
      async (deviceIds) => {
        const [here, away] = [true, false].map((isHere) =>
          deviceIds.filter((deviceId) => liveSessions.has(deviceId) === isHere),
        )
        await look({ tenantId, deviceIds: here ?? [] }, { isHere: true })
        await look({ tenantId, deviceIds: away ?? [] })
      },
    )
  }

  /** A campaign that is over: those still to be told are not. */
  const takeBackUntold = (tenantId: string, id: string) =>
    eachPage(
      (after) => work.notBegun(id, { after, limit: PAGE_SIZE }),
      (deviceIds) => look({ tenantId, deviceIds }),
    )

  const eachPage = async (
    next: (after: string | null) => Promise<readonly string[]>,
    each: (deviceIds: readonly string[]) => Promise<void>,
  ) => {
    for (let after: string | null = null; !isStopped; ) {
      const page = await next(after)
      await each(page)
      if (page.length < PAGE_SIZE) return
      after = page.at(-1) ?? null
    }
  }

  const takeBack = ({ tenantId, id: of }: { tenantId: string; id: string }) =>
    unitOfWork({ tenantId, customerId: null }, async (stores: Stores) => {
      const { campaign: stopped } = await stores.campaigns.lock(of)
      // Another server was faster.
      const others = await work.toRollBack()
      if (!others.some(({ id }) => id === stopped.id)) return
      const now = clock.now()
      const { campaign, release } = await rollBack(stores, { of, id: ids.next(), now })
      const begun = plan(campaign, now).campaign
      await stores.campaigns.insert(begun, release, SERVER.name)
      const { id, name } = begun
      await stores.events.append([
        {
          kind: 'campaign.created',
          at: now,
          actor: SERVER,
          subject: { kind: 'campaign', id, name },
          deviceId: null,
          data: { rollsBack: stopped.name, targets: campaign.tally.idle },
          reason: stopped.because,
        },
        ...campaignNews(campaign, begun, now, SERVER),
      ])
    })

  const forgetAllBut = (open: ReadonlySet<string>) => {
    for (const map of [nobodyUntil, newcomersAt]) {
      for (const id of map.keys()) if (!open.has(id)) map.delete(id)
    }
  }

  const kick = () => {
    isDue = true
    if (isStopped) return
    running ??= (async () => {
      while (isDue && !isStopped) {
        const thorough = isThorough
        isDue = false
        isThorough = false
        await runAll(thorough).catch(onError)
      }
    })().finally(() => {
      running = null
      if (isDue) kick()
    })
  }
  const kickThoroughly = () => {
    isThorough = true
    kick()
  }

  const unsubscribe = feed.subscribe((delivered) => {
    const moved = delivered.filter(({ kind }) => kind.startsWith('campaign.'))
    // Another wave, other devices: whoever is on the line may be wanted now.
    for (const { subjectId } of moved) nobodyUntil.delete(subjectId)
    if (moved.length > 0) kickThoroughly()
    // Who holds no line comes by itself.
    else if (liveSessions.count > 0 && delivered.some(mayFreeASlot)) kick()
  })

  return {
    run: () => runAll(true),
    start: () => {
      kickThoroughly()
      end = every(EVERY_MS, kickThoroughly)
    },
    stop: async () => {
      isStopped = true
      end?.()
      unsubscribe()
      await running
    },
  }
}

/** Of another server's events only the kind is known. */
const mayFreeASlot = ({ kind, event }: DeliveredEvent): boolean =>
  kind === 'operation.ended' && (event === null || event.data.campaign !== undefined)

function* pagesOf<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let page: T[] = []
  for (const item of items) {
    page.push(item)
    if (page.length < size) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}
