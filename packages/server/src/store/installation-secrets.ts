import type { Database } from './database.ts'
import { refuse } from './refusals.ts'

/** The installation's secret of that name: the one kept, or else the one that was made, kept from now on. */
export async function installationSecret(
  { db }: Database,
  name: string,
  made: Buffer | (() => Buffer),
): Promise<Buffer> {
  await db
    .insertInto('installation_secrets')
    .values({ name, value: Buffer.isBuffer(made) ? made : made() })
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
