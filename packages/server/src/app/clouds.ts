/** Clouds: where sets of devices are served from, and the tokens by which their devices come in. */
import {
  type Cloud,
  type CloudSettings,
  checkedCloud,
  DomainError,
  type EventKind,
  type OperatorActor,
} from '@updraft/core'
import { deed } from './deed.ts'
import type {
  Clock,
  Clouds,
  CloudToken,
  CloudView,
  Ids,
  Page,
  Secrets,
  UnitOfWork,
} from './ports.ts'

export type CloudDraft = Pick<Cloud, 'name'> & Partial<CloudSettings>

export function clouds({
  artifactStores,
  clock,
  ids,
  secrets,
  unitOfWork,
}: {
  /** Names of those there are; the first is the default one. */
  artifactStores: readonly string[]
  clock: Clock
  ids: Ids
  secrets: Secrets
  unitOfWork: UnitOfWork
}) {
  const event = (
    actor: OperatorActor,
    kind: EventKind & `cloud.${string}`,
    { id, name }: { id: string; name: string },
    changed?: readonly string[],
  ) => {
    const subject = { kind: 'cloud', id, name } as const
    return deed(actor, kind, { at: clock.now(), subject, data: changed && { changed } })
  }

  const checked = <Given extends Partial<CloudSettings>>(given: Given) => {
    const settings = checkedCloud(given)
    const { artifactStore } = settings as Partial<CloudSettings>
    if (!artifactStore || artifactStores.includes(artifactStore)) return settings
    throw new DomainError(
      'artifact-store.unknown',
      `There is no artifact store "${artifactStore}"; there is ${artifactStores.join(', ')}.`,
    )
  }

  return {
    /** Refuses with request.malformed, artifact-store.unknown or cloud.duplicate. */
    create: (actor: OperatorActor, draft: CloudDraft): Promise<CloudView> =>
      unitOfWork(actor, async ({ clouds, events }) => {
        const { name, publicUrl = null, artifactStore = null, region = null } = draft
        const settings = checked({ name, publicUrl, artifactStore, region })
        const cloud = { id: ids.next(), ...settings, createdAt: clock.now() }
        await clouds.insert(cloud)
        await events.append([event(actor, 'cloud.created', cloud)])
        return clouds.get(cloud.id)
      }),

    list: (actor: OperatorActor, query: Parameters<Clouds['page']>[0]): Promise<Page<CloudView>> =>
      unitOfWork(actor, ({ clouds }) => clouds.page(query)),

    show: (actor: OperatorActor, id: string): Promise<CloudView> =>
      unitOfWork(actor, ({ clouds }) => clouds.get(id)),

    change: (
      actor: OperatorActor,
      id: string,
      change: Partial<CloudSettings>,
    ): Promise<CloudView> =>
      unitOfWork(actor, async ({ clouds, events }) => {
        const to = checked(change)
        await clouds.change(id, to)
        const cloud = await clouds.get(id)
        await events.append([event(actor, 'cloud.changed', cloud, Object.keys(to))])
        return cloud
      }),

    /** Refuses with cloud.in-use while devices are of it, or a policy is for it. */
    remove: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ clouds, events }) => {
        const cloud = await clouds.get(id)
        await clouds.remove(id)
        await events.append([event(actor, 'cloud.removed', cloud)])
      }),

    listTokens: (actor: OperatorActor, id: string): Promise<readonly CloudToken[]> =>
      unitOfWork(actor, async ({ clouds }) => {
        await clouds.get(id)
        return clouds.tokens(id)
      }),

    /** The secret is answered this once; those of before stay good. */
    createToken: (
      actor: OperatorActor,
      id: string,
    ): Promise<{ token: CloudToken; secret: string }> =>
      unitOfWork(actor, async ({ clouds, events }) => {
        const cloud = await clouds.get(id)
        const secret = secrets.newToken()
        const token = { id: ids.next(), createdAt: clock.now() }
        await clouds.insertToken({ ...token, cloudId: id, secretHash: secrets.hashToken(secret) })
        await events.append([event(actor, 'cloud.token-created', cloud)])
        return { token, secret }
      }),

    /** Refuses with cloud.token-unknown. */
    revokeToken: (actor: OperatorActor, id: string, tokenId: string): Promise<void> =>
      unitOfWork(actor, async ({ clouds, events }) => {
        const cloud = await clouds.get(id)
        await clouds.removeToken(id, tokenId)
        await events.append([event(actor, 'cloud.token-revoked', cloud)])
      }),
  }
}

export type CloudUseCases = ReturnType<typeof clouds>
