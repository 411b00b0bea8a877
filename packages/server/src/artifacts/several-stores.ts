/** All stores of an installation, as one: bytes come into the first, and are found wherever they lie. */
import { DomainError } from '@updraft/core'
import type { ArtifactStore, ArtifactStores, NamedStore, UploadStore } from '../app/ports.ts'

/** `uploads` is the first one's. */
export function severalStores(
  all: readonly [NamedStore, ...NamedStore[]],
  uploads: UploadStore,
): ArtifactStores & { readonly uploads: UploadStore } {
  const [first] = all

  /** What the first store answers that has the bytes; the refusal of one that could not say, if none has. */
  const wherever = async <T>(ask: (store: ArtifactStore) => Promise<T>): Promise<T> => {
    let refusal: unknown
    for (const store of all) {
      try {
        return await ask(store)
      } catch (error) {
        const isUnknown = error instanceof DomainError && error.code === 'artifact.unknown'
        if (!(error instanceof DomainError)) throw error
        if (!isUnknown || refusal === undefined) refusal = error
      }
    }
    throw refusal
  }

  return {
    all,
    uploads,
    named: (name) => {
      const store = all.find((each) => each.name === name)
      if (store) return store
      const names = all.map((each) => each.name).join(', ')
      throw new DomainError(
        'artifact-store.unknown',
        `There is no artifact store "${name}"; there is ${names}.`,
      )
    },
    receive: (source, expected) => first.receive(source, expected),
    open: (sha256) => wherever((store) => store.open(sha256)),
    checksum: (sha256, algorithm) => wherever((store) => store.checksum(sha256, algorithm)),
    remove: async (sha256, storedBefore) => {
      for (const store of all) await store.remove(sha256, storedBefore)
    },
    async *list() {
      for (const store of all) yield* store.list()
    },
    has: async (sha256) => {
      for (const store of all) if (await store.has(sha256)) return true
      return false
    },
    addressFor: (sha256, as) => first.addressFor(sha256, as),
    abandon: async (since) => {
      for (const store of all) await store.abandon(since)
    },
    close: async () => {
      for (const store of all) await store.close()
    },
  }
}
