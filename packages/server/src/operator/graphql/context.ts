/** What resolvers are given beside their arguments. */
import type * as api from '@updraft/api/shapes'
import type { OperatorActor } from '@updraft/core'
import type { Clock, Tenant } from '../../app/ports.ts'
import type { Asking } from '../asking.ts'
import type { Word } from '../watches.ts'
import type { Loaders } from './loaders.ts'
import type { Upload } from './upload.ts'

export interface StoredFile {
  readonly sha256: string
  readonly fileName: string
  readonly contentType: string
}

export interface GraphqlContext {
  readonly asking: Asking
  readonly load: Loaders
  readonly clock: Clock
  /** The caller's own. */
  readonly tenant: () => Promise<Tenant>
  /** Takes the bytes of a file in, as they come. */
  readonly store: (actor: OperatorActor, upload: Upload) => Promise<StoredFile>
  /** The targets of a campaign that are these devices. */
  readonly targetsOf: (
    campaignId: string,
    deviceIds: readonly string[],
  ) => Promise<readonly api.Target[]>
  /** Word of what happens, until the caller has gone or may no more. */
  readonly listen: (matches: (word: Word) => boolean) => AsyncIterable<readonly Word[]>
}
