import type { CredentialSweep } from '../app/ports.ts'
import { credentialOf } from './credentials.ts'
import type { Database } from './database.ts'
import { refuse } from './refusals.ts'

export const credentialSweep = ({ db }: Database): CredentialSweep => ({
  over: async (now, limit) => {
    const rows = await db
      .selectFrom('credentials')
      .selectAll()
      .where('expires_at', '<=', now)
      .orderBy('expires_at')
      .limit(limit)
      .execute()
      .catch(refuse)
    return rows.map((row) => ({
      tenantId: row.tenant_id,
      deviceId: row.device_id,
      credential: credentialOf(row),
    }))
  },
})
