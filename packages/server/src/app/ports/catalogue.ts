/** Packages and their releases. */
import type { Release } from '@updraft/core'
import type { StoredArtifact } from './artifacts.ts'
import type { Page, PageQuery } from './paging.ts'

export interface ReleaseName {
  readonly id: string
  readonly title: string
  readonly version: string
}

export interface ReleaseView extends Release {
  readonly profileId: string
  readonly profileName: string
  readonly revision: number
}

/** All releases of one title. */
export interface PackageView {
  readonly title: string
  readonly releases: number
  /** When the newest of them was added. */
  readonly latestAt: Date
}

export interface Catalogue {
  /** Notes that the tenant has these bytes; checksums are added to those known. */
  recordArtifact(artifact: StoredArtifact, storedAt: Date): Promise<void>
  /** Refuses with artifact.unknown. */
  artifact(sha256: string): Promise<StoredArtifact>
  /**
   * Refuses with release.duplicate. `onlyForDeviceId`: it is brought to that device by hand, stands in no list, and
   * goes when its operation has ended.
   */
  insert(release: Release, options?: { onlyForDeviceId?: string }): Promise<void>
  /** What was to be brought by hand and was not. */
  forget(id: string): Promise<void>
  /** Refuses with release.unknown. */
  get(id: string): Promise<ReleaseView>
  /** Those of them there are, in no order. */
  several(ids: readonly string[]): Promise<readonly ReleaseView[]>
  page(
    query: PageQuery & {
      title?: string
      version?: string
      profile?: string
      profileId?: string
      type?: string
    },
  ): Promise<Page<ReleaseView>>
  packages(query: PageQuery & { title?: string; profileId?: string }): Promise<Page<PackageView>>
  describe(id: string, description: string | null, revision?: number): Promise<void>
  /** Refuses with release.in-use. The bytes stay until they are swept. */
  remove(id: string): Promise<void>
}
