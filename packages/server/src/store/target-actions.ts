import type { TargetActionList } from '../app/ports.ts'
import type { Database } from './database.ts'
import { refuse } from './refusals.ts'

/** The numbers of a device's actions, a stretch of them. */
export const targetActionList =
  ({ pool }: Database): TargetActionList =>
  async (deviceId, { offset, limit, isNewestFirst }) => {
    const { rows } = await pool
      .query<{ ids: number[]; total: number }>(
        `select (select count(*)::int from hawkbit_actions where device_id = $1) as total,
                array(select id from hawkbit_actions where device_id = $1
                       order by id ${isNewestFirst ? 'desc' : 'asc'} offset $2 limit $3) as ids`,
        [deviceId, offset, limit],
      )
      .catch(refuse)
    return { items: rows[0]?.ids ?? [], total: rows[0]?.total ?? 0 }
  }
