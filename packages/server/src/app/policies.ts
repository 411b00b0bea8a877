/** Policies: written for a release, tried out on devices, switched on and off. */
import {
  type Candidate,
  type ComponentType,
  checkedLimits,
  choose,
  comparePolicies,
  type EventKind,
  factsOf,
  NO_COMPONENT,
  NO_LIMITS,
  nameOf,
  type OperatorActor,
  type Policy,
  type PolicyLimits,
  type PolicyWarning,
  type Release,
  situationOf,
} from '@updraft/core'
import { compilePolicy, newerOrOlder, policyWarnings } from '@updraft/core/expression'
import { deed } from './deed.ts'
import type {
  Clock,
  DeviceFilter,
  DeviceView,
  Ids,
  Page,
  Policies,
  PolicyDeviceView,
  PolicyFigures,
  PolicyView,
  Stores,
  UnitOfWork,
} from './ports.ts'

const SAMPLE = 10

export interface PolicyDraft {
  readonly expression: string
  readonly limits: Partial<PolicyLimits>
  readonly cloudIds: readonly string[]
  readonly isEnabled: boolean
}

export interface WarnedPolicy extends PolicyView {
  readonly warnings: readonly PolicyWarning[]
}

export interface PolicyTrial {
  readonly verdict: { readonly holds: boolean; readonly because?: string }
  readonly version: string | null
  readonly newVersion: string
  readonly choice: ReturnType<typeof choose>
}

export interface PolicyMatches {
  readonly count: number
  readonly population: number
  readonly sample: readonly DeviceView[]
  readonly type: ComponentType
}

export function policies({
  clock,
  ids,
  unitOfWork,
}: {
  clock: Clock
  ids: Ids
  unitOfWork: UnitOfWork
}) {
  /** Whoever has a device of that profile on the line hears of it. */
  const record = async (
    { events, spread }: Stores,
    actor: OperatorActor,
    kind: EventKind & `policy.${string}`,
    { release, profile, policy }: PolicyView,
  ) => {
    const subject = { kind: 'profile', ...profile } as const
    const { expression, isEnabled } = policy
    const data = { release: nameOf(release), releaseId: release.id, expression, isEnabled }
    await events.append([deed(actor, kind, { at: clock.now(), subject, data })])
    await spread({ profileId: profile.id }, ids.next(), clock.now())
  }

  const warned = async (stores: Stores, view: PolicyView): Promise<WarnedPolicy> => {
    const release = await stores.catalogue.get(view.release.id)
    const program = compilePolicy(view.policy.expression, release)
    return { ...view, warnings: policyWarnings(program, release) }
  }

  const put = async (
    stores: Stores,
    actor: OperatorActor,
    releaseId: string,
    { expression, limits, cloudIds, isEnabled }: PolicyDraft,
    revision: number | undefined,
  ): Promise<WarnedPolicy> => {
    const release = await stores.catalogue.get(releaseId)
    const now = clock.now()
    const { text } = compilePolicy(expression, release)
    const before = (await stores.policies.find(releaseId))?.policy
    const clouds = [...new Set(cloudIds)].sort()
    for (const id of clouds) await stores.clouds.get(id)
    const isOther =
      !before ||
      before.expression !== text ||
      before.cloudIds.join() !== clouds.join() ||
      (isEnabled && !before.isEnabled)
    const policy: Policy = {
      releaseId,
      expression: text,
      isEnabled,
      limits: checkedLimits(limits),
      cloudIds: clouds,
      publishedAt: isOther ? now : before.publishedAt,
      createdAt: before?.createdAt ?? now,
    }
    const of = { profileId: release.profileId, type: release.type, createdBy: actor.name }
    await stores.policies.put(policy, of, revision)
    const view = await stores.policies.get(releaseId)
    await record(stores, actor, 'policy.published', view)
    return warned(stores, view)
  }

  const switchTo =
    (isEnabled: boolean) =>
    (actor: OperatorActor, releaseId: string): Promise<WarnedPolicy> =>
      unitOfWork(actor, async (stores) => {
        const before = await stores.policies.get(releaseId)
        if (before.policy.isEnabled === isEnabled) return warned(stores, before)
        const publishedAt = isEnabled ? clock.now() : before.policy.publishedAt
        await stores.policies.enable(releaseId, isEnabled, publishedAt)
        const view = await stores.policies.get(releaseId)
        await record(stores, actor, isEnabled ? 'policy.enabled' : 'policy.disabled', view)
        return warned(stores, view)
      })

  /** The policy as it would be asked if it were written so, and enabled. */
  const candidateOf = (
    release: Release,
    expression: string,
    of: PolicyView | null,
    population: number,
  ): Candidate => ({
    release,
    asks: compilePolicy(expression, release).asks,
    counts: of?.counts ?? {
      offered: 0,
      population,
      periodStartedAt: null,
      offeredInPeriod: 0,
    },
    policy: {
      limits: NO_LIMITS,
      cloudIds: [],
      publishedAt: clock.now(),
      createdAt: clock.now(),
      ...of?.policy,
      releaseId: release.id,
      expression: expression.trim(),
      isEnabled: true,
    },
  })

  return {
    list: (
      actor: OperatorActor,
      query: Parameters<Policies['page']>[0],
    ): Promise<Page<WarnedPolicy>> =>
      unitOfWork(actor, async (stores) => {
        const page = await stores.policies.page(query)
        const items: WarnedPolicy[] = []
        for (const view of page.items) items.push(await warned(stores, view))
        return { ...page, items }
      }),

    show: (actor: OperatorActor, releaseId: string): Promise<WarnedPolicy> =>
      unitOfWork(actor, async (stores) => {
        await stores.catalogue.get(releaseId)
        return warned(stores, await stores.policies.get(releaseId))
      }),

    /**
     * Gives a release a policy, or another one. Refuses with expression.invalid, policy.invalid, cloud.unknown, and with
     * request.version-mismatch when `revision` is given and no longer the policy's.
     */
    put: (
      actor: OperatorActor,
      releaseId: string,
      draft: PolicyDraft,
      revision?: number,
    ): Promise<WarnedPolicy> =>
      unitOfWork(actor, (stores) => put(stores, actor, releaseId, draft, revision)),

    enable: switchTo(true),
    disable: switchTo(false),

    remove: (actor: OperatorActor, releaseId: string): Promise<void> =>
      unitOfWork(actor, async (stores) => {
        const view = await stores.policies.get(releaseId)
        await stores.policies.remove(releaseId)
        await record(stores, actor, 'policy.removed', view)
      }),

    /** Refuses with expression.invalid or expression.too-large. */
    check: (
      actor: OperatorActor,
      { releaseId, expression }: { releaseId: string; expression: string },
    ): Promise<readonly PolicyWarning[]> =>
      unitOfWork(actor, async ({ catalogue }) => {
        const release = await catalogue.get(releaseId)
        return policyWarnings(compilePolicy(expression, release), release)
      }),

    /** What one device would get, if the policy were written like that and enabled, and asked now. */
    tryOut: (
      actor: OperatorActor,
      {
        releaseId,
        deviceId,
        expression,
      }: { releaseId: string; deviceId: string; expression?: string | undefined },
    ): Promise<PolicyTrial> =>
      unitOfWork(actor, async ({ catalogue, devices, policies }) => {
        const release = await catalogue.get(releaseId)
        const of =
          expression === undefined ? await policies.get(releaseId) : await policies.find(releaseId)
        const { snapshot, customer, systemModel, hardwareType } = await devices.get(deviceId)
        const text = expression ?? of?.policy.expression ?? ''
        const population = await policies.population(release.profileId, of?.policy.cloudIds ?? [])
        const candidate = candidateOf(release, text, of, population)
        const { type } = release
        const component = snapshot.components[type] ?? NO_COMPONENT
        const others = component.policies.filter((each) => each.release.id !== releaseId)
        const belongings = {
          customer: customer?.name ?? null,
          systemModel: systemModel?.handle ?? null,
          hardwareType: hardwareType?.handle ?? null,
        }
        const asIf = {
          ...snapshot,
          belongings,
          components: {
            ...snapshot.components,
            [type]: { ...component, policies: [...others, candidate].sort(comparePolicies) },
          },
        }
        const now = clock.now()
        return {
          verdict: candidate.asks(factsOf(asIf), now),
          version: snapshot.device.installed[type]?.version ?? null,
          newVersion: release.version,
          choice: choose(situationOf(asIf, type, { isHere: true }), now),
        }
      }),

    /** For how many devices it holds now, those left out that run the release. */
    count: (
      actor: OperatorActor,
      {
        releaseId,
        expression,
        cloudIds,
      }: { releaseId: string; expression: string; cloudIds: readonly string[] },
    ): Promise<PolicyMatches> =>
      unitOfWork(actor, async ({ catalogue, devices, policies }) => {
        const release = await catalogue.get(releaseId)
        const program = newerOrOlder(compilePolicy(expression, release), release)
        const filter: DeviceFilter = {
          profile: release.profileName,
          asked: { any: [program], now: clock.now() },
          ...(cloudIds.length > 0 && { cloudIds }),
        }
        return {
          type: release.type,
          count: await devices.count(filter),
          population: await policies.population(release.profileId, cloudIds),
          sample: (await devices.page({ ...filter, limit: SAMPLE })).items,
        }
      }),

    statistics: (
      actor: OperatorActor,
      query: Parameters<Policies['figures']>[0],
    ): Promise<Page<PolicyFigures>> => unitOfWork(actor, ({ policies }) => policies.figures(query)),

    devices: (
      actor: OperatorActor,
      releaseId: string,
      query: Parameters<Policies['devices']>[1],
    ): Promise<Page<PolicyDeviceView>> =>
      unitOfWork(actor, async ({ policies }) => {
        await policies.get(releaseId)
        return policies.devices(releaseId, query)
      }),
  }
}

export type PoliciesUseCases = ReturnType<typeof policies>
