// Campaigns at the device desk of a server in this process.

import {
  type Campaign,
  NO_FACTS,
  type Report,
  type SettingsDraft,
} from '../../packages/core/src/index.ts'
import { campaigns } from '../../packages/server/src/app/campaigns.ts'
import { deskOf } from '../parts/desk.ts'

export interface Desk {
  /** Over all devices; answers its id. */
  begin(version: string, settings: SettingsDraft): Promise<string>
  show(id: string): Promise<Campaign>
  /** The device asks, and reports at once how it went; false when there is nothing for it. */
  update(token: string, report: Report): Promise<boolean>
  /** How many moves of operations from state to state there were. */
  countTransitions(): Promise<number>
  exposure(id: string): Promise<Exposure>
  close(): Promise<void>
}

export interface Exposure {
  /** Devices that were told to install it. */
  readonly exposed: number
  readonly askedAfter: number
  readonly toldAfter: number
}

export async function openDesk(connectionString: string): Promise<Desk> {
  const { desk, pool, needs, actor, close } = await deskOf(connectionString)
  const useCases = campaigns(needs)
  const count = async (text: string, values: unknown[] = []): Promise<number> =>
    (await pool.query(`select count(*)::integer as count from ${text}`, values)).rows[0].count
  return {
    begin: async (version, settings) => {
      const { rows } = await pool.query('select id from releases where version = $1', [version])
      const { campaign } = await useCases.create(actor, {
        name: `to ${version}`,
        releaseId: rows[0].id,
        audience: { expression: 'true' },
        settings,
      })
      return campaign.id
    },
    show: async (id) => (await useCases.show(actor, id)).campaign,
    update: async (token, report) => {
      const device = await desk.identify(token, 'bench')
      const { offers } = await desk.checkIn(device, NO_FACTS, { tells: true })
      const [offer] = offers
      if (!offer) return false
      await desk.report(device, { operationId: offer.operation.id }, report, NO_FACTS)
      return true
    },
    countTransitions: () => count('operation_steps'),
    exposure: async (id) => {
      const { rows } = await pool.query(
        `select id from events where kind = 'campaign.ended' and subject_id = $1`,
        [id],
      )
      const [{ id: ended }] = rows
      // Told and ended in the order of the events: each was written while the campaign was locked.
      const after = `events where id > $1 and kind = $2 and ($3::text is null or data ->> 'state' = $3)`
      return {
        exposed: await count(
          `operations where campaign_id = $1 and state <> 'QUEUED' and because_code <> 'superseded.campaign'`,
          [id],
        ),
        askedAfter: await count(after, [ended, 'operation.opened', null]),
        toldAfter: await count(after, [ended, 'operation.moved', 'INITIATED']),
      }
    },
    close,
  }
}
