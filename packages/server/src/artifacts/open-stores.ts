/** Opens the stores that are configured. */
import { join } from 'node:path'
import type { NamedStore, UploadStore } from '../app/ports.ts'
import { fileStore } from './file-store.ts'
import type { StoreLog } from './receiving.ts'
import { type S3StoreOptions, s3Store } from './s3-store.ts'
import { severalStores } from './several-stores.ts'

export type StoreAddress = { readonly name: string } & (
  | { readonly kind: 'file'; readonly folder: string }
  | ({ readonly kind: 's3' } & Omit<S3StoreOptions, 'folder' | 'log' | 'name' | 'hotBytes'>)
)

/**
 * All of them, or none. `staging` is a folder of this machine where what is on its way to a bucket waits. Refuses with
 * artifact-store.no-bucket or artifact-store.denied.
 */
export async function openStores(
  addresses: readonly StoreAddress[],
  { staging, log }: { staging: string; log: StoreLog },
): Promise<ReturnType<typeof severalStores>> {
  const opened: (NamedStore & { readonly uploads: UploadStore })[] = []
  try {
    for (const address of addresses) {
      const { name, kind } = address
      const store =
        address.kind === 'file'
          ? await fileStore({ folder: address.folder, log })
          : await s3Store({ ...address, folder: join(staging, name), log })
      opened.push({ ...store, name, kind })
    }
  } catch (error) {
    for (const store of opened) await store.close()
    throw error
  }
  const [first, ...others] = opened
  if (!first) throw new Error('There is no artifact store.')
  return severalStores([first, ...others], first.uploads)
}
