import type { Database } from './database.ts'
import { refuse } from './refusals.ts'

/** The installation's secret of that name: the one kept, or else the one `make` gives, kept from now on. */
export async function installationSecret(
  { db }: Database,
  name: string,
  make: () => Buffer,
): Promise<Buffer> {
  await db
    .insertInto('installation_secrets')
    .values({ name, value: make() })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
    .catch(refuse)
  const { value } = await db
    .selectFrom('installation_secrets')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
    .catch(refuse)
  return value
}
