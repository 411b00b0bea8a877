/** Campaigns, as operators keep them: created over the devices there are, watched, held, ended. */
import {
  type Audience,
  approve,
  type Campaign,
  type CampaignDraft,
  campaignNews,
  cancelCampaign,
  checkEditable,
  checkOver,
  checkRemovable,
  createCampaign,
  DomainError,
  type EventKind,
  edit,
  type Forecast,
  forecast,
  join,
  joinRollBack,
  nameOf,
  type OperatorActor,
  pause,
  plan,
  type Release,
  reason,
  resume,
  retryTargets,
  rollBackOf,
  type SettingsDraft,
} from '@updraft/core'
import { refuseForProfile } from './client-limits.ts'
import { actorOf, deed } from './deed.ts'
import {
  type Campaigns,
  type CampaignView,
  type Clock,
  type DeviceView,
  type Ids,
  type Page,
  REMOVED_RELEASE,
  type Stores,
  type TargetDot,
  type TargetView,
  type UnitOfWork,
} from './ports.ts'

/** So many devices are held at a time, however large the audience. */
const PAGE_SIZE = 5000
const FORECAST_PAGE_SIZE = 500

export interface NewCampaign {
  readonly name: string
  readonly releaseId: string
  readonly audience: Audience
  readonly settings: SettingsDraft
  readonly scheduledAt?: Date | null
}

export type CampaignChange = Partial<NewCampaign>

export interface ForecastOf extends Forecast {
  readonly device: { readonly id: string; readonly name: string }
}

export function campaigns({
  clock,
  ids,
  unitOfWork,
}: {
  clock: Clock
  ids: Ids
  unitOfWork: UnitOfWork
}) {
  const event = (
    kind: EventKind,
    actor: OperatorActor,
    { id, name }: Pick<Campaign, 'id' | 'name'>,
    data = {},
  ) => deed(actor, kind, { at: clock.now(), subject: { kind: 'campaign', id, name }, data })

  /** Makes targets of all its audience holds now; answers how many there are. */
  const fix = async (
    { audiences, campaigns }: Stores,
    { id, audience, profileId }: { id: string; audience: Audience; profileId: string },
  ): Promise<number> => {
    let count = 0
    let after: string | null = null
    do {
      const page: { deviceIds: readonly string[]; after: string | null } = await audiences.page(
        audience,
        { profileId, after, limit: PAGE_SIZE, now: clock.now() },
      )
      count += await campaigns.addTargets(id, page.deviceIds)
      after = page.after
    } while (after !== null)
    return count
  }

  /** As far as it goes by itself from there, and what is to be told of that. */
  const carryOn = async (stores: Stores, actor: OperatorActor, before: Campaign, to: Campaign) => {
    const now = clock.now()
    const after = plan(to, now).campaign
    await stores.campaigns.save(after)
    await stores.events.append(campaignNews(before, after, now, actorOf(actor)))
    return stores.campaigns.get(after.id)
  }

  const move = (
    actor: OperatorActor,
    id: string,
    how: (campaign: Campaign, stores: Stores) => Campaign | Promise<Campaign>,
  ): Promise<CampaignView> =>
    unitOfWork(actor, async (stores) => {
      const { campaign } = await stores.campaigns.lock(id)
      return carryOn(stores, actor, campaign, await how(campaign, stores))
    })

  const insert = async (
    stores: Stores,
    actor: OperatorActor,
    { campaign, release }: { campaign: Campaign; release: Release },
  ) => {
    await stores.campaigns.insert(campaign, release, actor.name)
    const data = { release: nameOf(release), targets: campaign.tally.idle }
    await stores.events.append([event('campaign.created', actor, campaign, data)])
    return carryOn(stores, actor, campaign, campaign)
  }

  const draftOf = ({ campaign }: CampaignView, change: CampaignChange): CampaignDraft => ({
    name: change.name ?? campaign.name,
    audience: change.audience ?? campaign.audience,
    settings: { ...campaign.settings, ...change.settings },
    scheduledAt: change.scheduledAt === undefined ? campaign.scheduledAt : change.scheduledAt,
  })

  /** What each device of the audience would come to, page by page. */
  const foretell = async function* (
    actor: OperatorActor,
    draft: NewCampaign,
  ): AsyncGenerator<readonly ForecastOf[]> {
    let after: string | null = null
    do {
      const page: { items: readonly ForecastOf[]; after: string | null } = await unitOfWork(
        actor,
        (stores) => foretellPage(stores, actor, draft, { after, limit: FORECAST_PAGE_SIZE }),
      )
      yield page.items
      after = page.after
    } while (after !== null)
  }

  const foretellPage = async (
    { audiences, catalogue, devices }: Stores,
    { tenantId }: OperatorActor,
    draft: NewCampaign,
    from: { after: string | null; limit: number },
  ) => {
    const now = clock.now()
    const release = await catalogue.get(draft.releaseId)
    const { audience, settings, name } = draft
    // As a large one, so that what is said of its waves is not held against few devices.
    const id = ids.next()
    const made = { id, tenantId, release, draft: { name, audience, settings } }
    const campaign = createCampaign(made, Number.MAX_SAFE_INTEGER, now)
    const { profileId } = release
    const { deviceIds, after } = await audiences.page(audience, { ...from, profileId, now })
    const views: readonly DeviceView[] = await devices.several(deviceIds)
    const items = views.map(({ snapshot }): ForecastOf => {
      const { id, name } = snapshot.device
      return { device: { id, name }, ...forecast(snapshot, { campaign, release }, now) }
    })
    return { items, after }
  }

  return {
    /**
     * Refuses with campaign.invalid, campaign.duplicate, release.unknown, release.unspeakable, or what is wrong with the
     * audience.
     */
    create: (actor: OperatorActor, draft: NewCampaign): Promise<CampaignView> =>
      unitOfWork(actor, async (stores) => {
        const id = ids.next()
        const { tenantId } = actor
        const release = await stores.catalogue.get(draft.releaseId)
        const { profileId } = release
        const { isDownloadOnly = false } = draft.settings
        await refuseForProfile(stores, profileId, {
          releases: [release],
          handling: { isDownloadOnly },
        })
        const targets = await fix(stores, { id, audience: draft.audience, profileId })
        const made = { id, tenantId, draft, release }
        const campaign = createCampaign(made, targets, clock.now())
        return insert(stores, actor, { campaign, release })
      }),

    show: (actor: OperatorActor, id: string): Promise<CampaignView> =>
      unitOfWork(actor, ({ campaigns }) => campaigns.get(id)),

    list: (
      actor: OperatorActor,
      query: Parameters<Campaigns['page']>[0],
    ): Promise<Page<CampaignView>> => unitOfWork(actor, ({ campaigns }) => campaigns.page(query)),

    targets: (
      actor: OperatorActor,
      id: string,
      query: Parameters<Campaigns['targets']>[1],
    ): Promise<Page<TargetView>> =>
      unitOfWork(actor, async ({ campaigns }) => {
        await campaigns.get(id)
        return campaigns.targets(id, query)
      }),

    dots: (actor: OperatorActor, id: string, limit: number): Promise<readonly TargetDot[]> =>
      unitOfWork(actor, async ({ campaigns }) => {
        await campaigns.get(id)
        return campaigns.dots(id, limit)
      }),

    /** Before it has begun. Another audience or release fixes its targets anew. Refuses with campaign.not-now. */
    change: (actor: OperatorActor, id: string, change: CampaignChange): Promise<CampaignView> =>
      unitOfWork(actor, async (stores) => {
        const view = await stores.campaigns.lock(id)
        const { campaign } = view
        // Before its targets are touched, of which there may be many.
        checkEditable(campaign)
        const draft = draftOf(view, change)
        const release = await stores.catalogue.get(change.releaseId ?? campaign.releaseId)
        await stores.campaigns.dropTargets(id)
        const { profileId } = release
        const { isDownloadOnly = false } = draft.settings
        await refuseForProfile(stores, profileId, {
          releases: [release],
          handling: { isDownloadOnly },
        })
        const targets = await fix(stores, { id, audience: draft.audience, profileId })
        const edited = edit(campaign, draft, { release, targets }, clock.now())
        await stores.campaigns.save(edited, release)
        const data = { changed: Object.keys(change) }
        await stores.events.append([event('campaign.changed', actor, edited, data)])
        return carryOn(stores, actor, campaign, edited)
      }),

    /** Before it has begun, or when all its devices are done. Refuses with campaign.not-now. */
    remove: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ campaigns, events }) => {
        const { campaign } = await campaigns.lock(id)
        checkRemovable(campaign)
        await campaigns.remove(id)
        await events.append([event('campaign.removed', actor, campaign)])
      }),

    pause: (actor: OperatorActor, id: string) =>
      move(actor, id, (campaign) => pause(campaign, actor.name)),
    resume: (actor: OperatorActor, id: string) =>
      move(actor, id, (campaign) => resume(campaign, actor.name)),
    cancel: (actor: OperatorActor, id: string) =>
      move(actor, id, (campaign) => cancelCampaign(campaign, actor.name, clock.now())),
    approve: (actor: OperatorActor, id: string) =>
      move(actor, id, (campaign) => approve(campaign, actor.name, clock.now())),

    /** All that failed or were skipped, once more. Refuses with campaign.not-now. */
    retry: (actor: OperatorActor, id: string) =>
      move(actor, id, async (campaign, { campaigns, events }) => {
        if (campaign.releaseId === REMOVED_RELEASE) {
          throw new DomainError('campaign.not-now', 'What this campaign brought was removed.')
        }
        const because = reason('target.retried', `Tried again by ${actor.name}.`)
        const retried = await campaigns.retryTargets(id, because, clock.now())
        const after = retryTargets(campaign, retried, actor.name)
        await events.append([event('campaign.retried', actor, campaign, { ...retried })])
        return after
      }),

    /** A campaign that brings the devices this one has updated back to what they had. */
    rollBack: (actor: OperatorActor, id: string, { name }: { name?: string }) =>
      unitOfWork(actor, async (stores) => {
        const made = await rollBack(stores, { of: id, id: ids.next(), name, now: clock.now() })
        return insert(stores, actor, made)
      }),

    /**
     * Devices a dynamic campaign's audience has come to hold become targets; so do those that the campaign it takes back
     * has updated since.
     */
    addNewcomers: ({ tenantId, id }: { tenantId: string; id: string }): Promise<void> =>
      unitOfWork({ tenantId, customerId: null }, async (stores) => {
        const { campaign } = await stores.campaigns.lock(id)
        if (campaign.status === 'finished' || campaign.releaseId === REMOVED_RELEASE) return
        if (campaign.rollsBack !== null) {
          await stores.campaigns.save(await joinLate(stores, campaign, clock.now()))
          return
        }
        const { profileId } = await stores.catalogue.get(campaign.releaseId)
        const newcomers = await fix(stores, { id, audience: campaign.audience, profileId })
        if (newcomers > 0) await stores.campaigns.save(join(campaign, newcomers))
      }),

    foretell,

    foretellPage: (
      actor: OperatorActor,
      draft: NewCampaign,
      { limit, after }: { limit: number; after: string | null },
    ) => unitOfWork(actor, (stores) => foretellPage(stores, actor, draft, { after, limit })),
  }
}

export type CampaignsUseCases = ReturnType<typeof campaigns>

/** The campaign with those that were still at it when it was made to take back another one, and no more once all are done. */
async function joinLate({ campaigns }: Stores, campaign: Campaign, now: Date): Promise<Campaign> {
  const of = campaign.rollsBack ?? ''
  // Before they are looked for, so that nobody is missed.
  const isOver = await isAllDone(campaigns, of)
  const late = await campaigns.addPrevious(campaign.id, of, now)
  return joinRollBack(campaign, { ...late, isOver })
}

/** A campaign that was removed has no devices at it any more. */
async function isAllDone(campaigns: Campaigns, id: string): Promise<boolean> {
  try {
    return (await campaigns.get(id)).campaign.tally['in-progress'] === 0
  } catch (error) {
    if (error instanceof DomainError && error.code === 'campaign.unknown') return true
    throw error
  }
}

/** A name nobody has, for one that nobody is there to name. */
async function freeName(campaigns: Campaigns, wanted: string): Promise<string> {
  const short = wanted.slice(0, MAX_GIVEN_NAME)
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? short : `${short} (${count})`
    const { items } = await campaigns.page({ name, limit: 1 })
    if (items.length === 0) return name
  }
}

/** Leaves room for a number. */
const MAX_GIVEN_NAME = 240

/**
 * A campaign over the devices another one has updated. Each goes back to what it had before; those of which that is
 * not kept here are skipped. Its targets are there when it is answered, it itself is the caller's to insert.
 */
export async function rollBack(
  { campaigns, catalogue }: Stores,
  { of, id, name, now }: { of: string; id: string; name?: string | undefined; now: Date },
): Promise<{ campaign: Campaign; release: Release }> {
  const { campaign: original } = await campaigns.get(of)
  if (original.releaseId === REMOVED_RELEASE) {
    throw new DomainError('campaign.not-now', 'What this campaign brought was removed.')
  }
  const release = await catalogue.get(original.releaseId)
  // Before it has targets.
  checkOver(original)
  const back = { id, name: name ?? (await freeName(campaigns, `Roll back ${original.name}`)) }
  const targets = await campaigns.addPrevious(id, of, now)
  return { release, campaign: rollBackOf(original, { ...back, ...targets }, now) }
}
