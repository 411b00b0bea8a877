/** What operators do with the cluster of Astarte that serves their realm's devices. */
import { checkedClusterUrl, DomainError, type EventKind, type OperatorActor } from '@updraft/core'
import { deed } from './deed.ts'
import type {
  Clock,
  ClusterAccess,
  ClusterTokens,
  ClusterView,
  Secrets,
  Stores,
  UnitOfWork,
} from './ports.ts'

export interface ClusterDraft {
  readonly baseUrl: string
  /** As the cluster calls it; as it is called here when absent. */
  readonly realm?: string
  /** In PEM; the one before when absent. */
  readonly privateKey?: string
}

/** One thing that was tried at a cluster, and what came of it. */
export interface ClusterTrial {
  readonly what: string
  readonly isWell: boolean
  readonly message: string
}

/** Speaks with a cluster while an operator waits. None of these throws because of the cluster. */
export interface ClusterProbe {
  /** Tries all that is needed of it, and changes nothing. */
  tries(access: ClusterAccess, triggersCall: string): Promise<readonly ClusterTrial[]>
  /** Takes back what calls us. Answers why it could not; null when it could. */
  withdraw(access: ClusterAccess): Promise<string | null>
}

export interface ShownCluster extends ClusterView {
  /** What its triggers call. */
  readonly triggersCall: string
}

export function clusters({
  clock,
  probe,
  publicUrl,
  secrets,
  tokens,
  unitOfWork,
}: {
  clock: Clock
  probe: ClusterProbe
  /** The server's root, once it listens. */
  publicUrl: () => string
  secrets: Pick<Secrets, 'newToken'>
  tokens: Pick<ClusterTokens, 'algorithmOf'>
  unitOfWork: UnitOfWork
}) {
  const none = () =>
    new DomainError('cluster.none', 'The devices of the tenant are served by no cluster.')

  const callOf = async ({ realms }: Stores): Promise<string> =>
    triggersCall(publicUrl(), (await realms.get()).name)

  const event = async (
    { realms, events }: Stores,
    actor: OperatorActor,
    kind: EventKind & `realm.${string}`,
    data: { cluster: string },
  ) => {
    const { name } = await realms.get()
    const subject = { kind: 'realm', id: actor.tenantId, name } as const
    await events.append([deed(actor, kind, { at: clock.now(), subject, data })])
  }

  const shown = async (stores: Stores): Promise<ShownCluster> => {
    const cluster = await stores.clusters.find()
    if (!cluster) throw none()
    return { ...cluster, triggersCall: await callOf(stores) }
  }

  return {
    /** Refuses with cluster.none. */
    show: (actor: OperatorActor): Promise<ShownCluster> => unitOfWork(actor, shown),

    /** Refuses with cluster.invalid, realm.none, or realm.in-use while devices are paired here. */
    set: (actor: OperatorActor, draft: ClusterDraft): Promise<ShownCluster> =>
      unitOfWork(actor, async (stores) => {
        const baseUrl = checkedClusterUrl(draft.baseUrl)
        const { name } = await stores.realms.get()
        const realm = draft.realm ?? name
        const privateKey = draft.privateKey ?? (await stores.clusters.access())?.privateKey
        if (privateKey === undefined) {
          throw new DomainError('cluster.invalid', 'The private key of the realm is missing.')
        }
        const algorithm = tokens.algorithmOf(privateKey)
        const webhookSecret = secrets.newToken()
        await stores.clusters.put(
          { baseUrl, realm, privateKey, algorithm, webhookSecret },
          clock.now(),
        )
        await event(stores, actor, 'realm.cluster-set', { cluster: baseUrl })
        return shown(stores)
      }),

    /** Its devices stay here with all that is known of them. Refuses with cluster.none. */
    remove: async (actor: OperatorActor): Promise<{ untakenBack: string | null }> => {
      const access = await unitOfWork(actor, async (stores) => {
        const found = await stores.clusters.access()
        if (!found) throw none()
        await stores.clusters.remove()
        await event(stores, actor, 'realm.cluster-removed', { cluster: found.baseUrl })
        return found
      })
      return { untakenBack: await probe.withdraw(access) }
    },

    /** Tries it now, with what is kept of it. Refuses with cluster.none. */
    check: async (actor: OperatorActor): Promise<readonly ClusterTrial[]> => {
      const { access, call } = await unitOfWork(actor, async (stores) => ({
        access: await stores.clusters.access(),
        call: await callOf(stores),
      }))
      if (!access) throw none()
      return probe.tries(access, call)
    },
  }
}

export type ClusterUseCases = ReturnType<typeof clusters>

/** Refuses with cluster.serves where the devices of the realm pair with a cluster, and not here. */
export async function refuseWhereClusterServes({ clusters }: Pick<Stores, 'clusters'>) {
  if (await clusters.find()) throw clusterServes()
}

export const clusterServes = () =>
  new DomainError(
    'cluster.serves',
    'The devices of this realm are served by a cluster of Astarte, and pair there.',
  )

/** Where the triggers of that realm call. */
export const triggersCall = (publicUrl: string, realm: string): string =>
  `${publicUrl}/astarte/v1/${realm}/triggers`
