import type { ArtifactDigests, KeptDigests } from '../app/ports.ts'
import type { Database } from './database.ts'
import { refuse } from './refusals.ts'

export const keptDigests = ({ pool }: Database): KeptDigests => ({
  find: async (sha256) => {
    const { rows } = await pool
      .query<ArtifactDigests>('select sha1, md5 from artifact_digests where sha256 = $1', [sha256])
      .catch(refuse)
    return rows[0] ?? null
  },
  keep: async (sha256, { sha1, md5 }) => {
    await pool
      .query(
        'insert into artifact_digests (sha256, sha1, md5) values ($1, $2, $3) on conflict do nothing',
        [sha256, sha1, md5],
      )
      .catch(refuse)
  },
})
