import type { OperationRequest, RequestsAtWork } from '../app/ports.ts'
import type { Database } from './database.ts'
import { groupCommit } from './group-commit.ts'
import { again, refuse } from './refusals.ts'

/** What is cancelled at once with an older one is told with it; no device has so many. */
const MAX_OWED = 20

const SENDING = {
  name: 'request-sending',
  text: `insert into operation_requests as r (operation_id, device_id, url, first_sent_at)
    select id, device_id, $3, $4 from operations where id = $1 and device_id = $2
    on conflict (operation_id) do update set times_sent = r.times_sent + 1
    returning operation_id, url`,
}

const TIMES_SENT = {
  name: 'request-times-sent',
  text: 'select times_sent from operation_requests where operation_id = $1 and device_id = $2',
}

/** Of many devices at once, as they come back all at once. */
const CANCELS_OWED = {
  name: 'request-cancels-owed',
  text: `select owed.device_id, owed.operation_id, owed.url
      from unnest($1::uuid[]) as d (id)
     cross join lateral (
       select r.device_id, r.operation_id, r.url, o.ended_at
         from operation_requests r join operations o on o.id = r.operation_id
        where r.device_id = d.id and r.answered_at is null and o.state = 'CANCELED'
        order by o.ended_at limit ${MAX_OWED}) owed
     order by owed.ended_at`,
}
const MAX_BATCH = 500

const ANSWERED = {
  name: 'request-answered',
  text: `update operation_requests set answered_at = $3
    where operation_id = $1 and device_id = $2 and answered_at is null`,
}

export function requestsAtWork({ pool, hotPool }: Database): RequestsAtWork {
  interface Row {
    operation_id: string
    url: string
  }
  const run = async <T extends object>(
    statement: { name: string; text: string },
    values: readonly unknown[],
  ): Promise<readonly T[]> =>
    (await again(() => pool.query<T>({ ...statement, values: [...values] })).catch(refuse)).rows
  const requestOf = ({ operation_id, url }: Row) => ({ operationId: operation_id, url })

  const cancelsOwed = groupCommit<string, readonly OperationRequest[]>({
    maxBatch: MAX_BATCH,
    carryOut: async (deviceIds) => {
      const { rows } = await hotPool.query<Row & { device_id: string }>({
        ...CANCELS_OWED,
        values: [[...new Set(deviceIds)]],
      })
      const owed = Map.groupBy(rows, ({ device_id }) => device_id)
      return deviceIds.map((deviceId) => (owed.get(deviceId) ?? []).map(requestOf))
    },
  })

  return {
    sending: async ({ operationId, deviceId, url }, at) => {
      const [row] = await run<Row>(SENDING, [operationId, deviceId, url, at])
      return row ? requestOf(row) : null
    },
    timesSent: async (deviceId, operationId) => {
      const [row] = await run<{ times_sent: number }>(TIMES_SENT, [operationId, deviceId])
      return row?.times_sent ?? 0
    },
    cancelsOwed: (deviceId) => cancelsOwed(deviceId).catch(refuse),
    answered: async (deviceId, operationId, at) => {
      await run(ANSWERED, [operationId, deviceId, at])
    },
  }
}
