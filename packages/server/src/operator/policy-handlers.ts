/** The handlers of the routes about policies. */
import type { POLICY_ROUTES } from '@updraft/api/routes/policies'
import type * as api from '@updraft/api/shapes'
import { desiredRelease, type Release } from '@updraft/core'
import type { PolicyTrial, WarnedPolicy } from '../app/policies.ts'
import type { PolicyDeviceView, PolicyFigures } from '../app/ports.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { pageView } from './views.ts'

export function policyHandlers({
  policies,
}: Pick<OperatorNeeds, 'policies'>): Pick<Handlers, keyof typeof POLICY_ROUTES> {
  return {
    listPolicies: async ({ input: { query }, caller: { actor } }) =>
      pageView(await policies.list(actor, filterOf(query)), policyView),
    listPolicyStatistics: async ({ input: { query }, caller: { actor } }) =>
      pageView(await policies.statistics(actor, filterOf(query)), figuresView),
    checkPolicy: async ({ input: { body }, caller: { actor } }) => ({
      warnings: [...(await policies.check(actor, body))],
    }),
    countPolicy: async ({ input: { body }, caller: { actor } }) => {
      const { count, population, sample, type } = await policies.count(actor, body)
      return {
        count,
        population,
        sample: sample.map(({ snapshot: { device } }) => ({
          id: device.id,
          name: device.name,
          version: device.installed[type]?.version ?? null,
        })),
      }
    },
    tryPolicy: async ({ input: { body }, caller: { actor } }) =>
      trialView(await policies.tryOut(actor, body)),
    showPolicy: async ({ input: { params }, caller: { actor }, shows }) => {
      const view = await policies.show(actor, params.id)
      shows(view)
      return policyView(view)
    },
    putPolicy: async ({ input: { params, body }, caller: { actor }, revision, shows }) => {
      const view = await policies.put(actor, params.id, body, revision)
      shows(view)
      return policyView(view)
    },
    removePolicy: async ({ input: { params }, caller: { actor } }) => {
      await policies.remove(actor, params.id)
    },
    enablePolicy: async ({ input: { params }, caller: { actor } }) =>
      policyView(await policies.enable(actor, params.id)),
    disablePolicy: async ({ input: { params }, caller: { actor } }) =>
      policyView(await policies.disable(actor, params.id)),
    listPolicyDevices: async ({ input: { params, query }, caller: { actor } }) =>
      pageView(await policies.devices(actor, params.id, query), policyDeviceView),
  }
}

const filterOf = <Query extends { isEnabled?: 'true' | 'false' | undefined }>({
  isEnabled,
  ...query
}: Query) => ({ ...query, isEnabled: isEnabled === undefined ? undefined : isEnabled === 'true' })

const policyView = ({
  release,
  type,
  profile,
  policy,
  counts,
  tally,
  createdBy,
  warnings,
}: WarnedPolicy): api.Policy => ({
  release,
  type,
  profile: profile.name,
  profileId: profile.id,
  expression: policy.expression,
  isEnabled: policy.isEnabled,
  limits: policy.limits,
  cloudIds: [...policy.cloudIds],
  counts: { population: counts.population, offered: counts.offered, ...tally },
  warnings: [...warnings],
  publishedAt: policy.publishedAt.toISOString(),
  createdAt: policy.createdAt.toISOString(),
  createdBy,
})

const figuresView = ({ profile, ...figures }: PolicyFigures): api.PolicyStatistics => ({
  ...figures,
  profile: profile.name,
  profileId: profile.id,
})

const policyDeviceView = ({ at, ...view }: PolicyDeviceView): api.PolicyDevice => ({
  ...view,
  at: at.toISOString(),
})

function trialView({ verdict, version, newVersion, choice }: PolicyTrial): api.PolicyTrial {
  const desired = desiredRelease(choice)
  const release = choice.kind === 'under-way' ? choice.operation : desired
  return {
    holds: verdict.holds,
    because: verdict.because ?? null,
    version,
    newVersion,
    would: choice.kind,
    release: release === 'under-way' || !release ? null : nameOf(release),
    reason: choice.because,
  }
}

const nameOf = (of: Pick<Release, 'title' | 'version'> & { id: string; releaseId?: string }) => ({
  id: of.releaseId ?? of.id,
  title: of.title,
  version: of.version,
})
