/** Devices that have not said a word of what they were told for longer than their tenant cares to wait. */
import type { TenantSetting } from '@updraft/core'
import type { Silences } from '../app/ports.ts'
import type { Database } from './database.ts'
import { BEFORE_ALL } from './paging.ts'
import { refuse } from './refusals.ts'

const DEADLINE: TenantSetting = 'silenceDeadlineSeconds'

/** 0 is no deadline. */
const OVERDUE = {
  name: 'overdue',
  text: `select distinct o.device_id, o.tenant_id
      from operations o join tenants t on t.id = o.tenant_id,
           lateral (select coalesce((t.settings->>'${DEADLINE}')::integer, $1) as seconds) as deadline
     where o.ended_at is null and o.state <> 'QUEUED' and o.device_id > $2
       and deadline.seconds > 0
       and coalesce(o.heard_at, o.changed_at) <= $3::timestamptz - make_interval(secs => deadline.seconds)
     order by o.device_id limit $4`,
}

export const silences = ({ pool }: Pick<Database, 'pool'>): Silences => ({
  overdue: async ({ now, deadlineSeconds, after, limit }) => {
    const values = [deadlineSeconds, after ?? BEFORE_ALL, now, limit]
    const { rows } = await pool
      .query<{ device_id: string; tenant_id: string }>({ ...OVERDUE, values })
      .catch(refuse)
    return rows.map((row) => ({ tenantId: row.tenant_id, deviceId: row.device_id }))
  },
})
