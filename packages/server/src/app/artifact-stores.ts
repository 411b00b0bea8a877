/** The artifact stores of the installation, as operators see them; moving all bytes from one to another. */
import { can, DomainError, type OperatorActor } from '@updraft/core'
import { deed } from './deed.ts'
import type {
  ArtifactCopies,
  ArtifactStores,
  Clock,
  CloudsAtWork,
  CopyProgress,
  UnitOfWork,
} from './ports.ts'

const PAGE_SIZE = 1000
const NO_PROGRESS: CopyProgress = { toCome: 0, toLeave: 0, error: null }

export interface StoreView {
  readonly name: string
  readonly kind: 'file' | 's3'
  readonly isDefault: boolean
  /** Over all tenants; null to those who may not see that there are others. */
  readonly progress: CopyProgress | null
}

export function artifactStores({
  clock,
  clouds,
  copies,
  stores,
  unitOfWork,
}: {
  clock: Clock
  clouds: Pick<CloudsAtWork, 'areServedFrom'>
  copies: Pick<ArtifactCopies, 'progress' | 'want'>
  stores: ArtifactStores
  unitOfWork: UnitOfWork
}) {
  return {
    /** The default one first. */
    list: async (actor: OperatorActor): Promise<readonly StoreView[]> => {
      const progress = can(actor, 'tenant.read') ? await copies.progress() : null
      return stores.all.map(({ name, kind }, index) => ({
        name,
        kind,
        isDefault: index === 0,
        progress: progress && (progress.get(name) ?? NO_PROGRESS),
      }))
    },

    /**
     * Has all that lies in the one store copied into the other, which it then leaves when no address of it is good any
     * more; answers how many files that are. Refuses with artifact-store.unknown, or artifact-store.in-use.
     */
    move: async (
      actor: OperatorActor,
      { from, to }: { from: string; to: string },
    ): Promise<{ artifacts: number }> => {
      const [first] = stores.all
      const [source, target] = [stores.named(from), stores.named(to)]
      const inUse = (why: string) => new DomainError('artifact-store.in-use', why)
      if (source.name === target.name) throw inUse('What is moved goes to another artifact store.')
      if (source === first) {
        throw inUse(
          `"${from}" is the default artifact store, into which files come: name another one first in UPDRAFT_ARTIFACTS.`,
        )
      }
      if (await clouds.areServedFrom(from)) {
        throw inUse(`A cloud is served from artifact store "${from}"; give it another one first.`)
      }
      let artifacts = 0
      let page: string[] = []
      const ask = async () => {
        await copies.want(page, { store: to, movedFrom: from }, clock.now())
        artifacts += page.length
        page = []
      }
      for await (const { sha256 } of source.list()) {
        page.push(sha256)
        if (page.length === PAGE_SIZE) await ask()
      }
      if (page.length > 0) await ask()
      const subject = { kind: 'artifact-store', id: '', name: from } as const
      const data = { to, artifacts }
      await unitOfWork(actor, ({ events }) =>
        events.append([deed(actor, 'artifact-store.moved', { at: clock.now(), subject, data })]),
      )
      return { artifacts }
    },
  }
}

export type ArtifactStoreUseCases = ReturnType<typeof artifactStores>
