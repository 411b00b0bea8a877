// The device desk and the campaigns of a server in this process, without doors: what is measured is all behind them.

import {
  type Campaign,
  NO_FACTS,
  type Report,
  type SettingsDraft,
  STANDARD_SETTINGS,
} from '../../packages/core/src/index.ts'
import { campaigns } from '../../packages/server/src/app/campaigns.ts'
import { type DeviceDeskNeeds, deviceDesk } from '../../packages/server/src/app/device-desk.ts'
import { moments } from '../../packages/server/src/app/moments.ts'
import { proofs } from '../../packages/server/src/credentials/proofs.ts'
import { uuids } from '../../packages/server/src/credentials/secrets.ts'
import { openDatabase } from '../../packages/server/src/store/database.ts'
import { deviceWork } from '../../packages/server/src/store/device-work.ts'
import { releaseCache } from '../../packages/server/src/store/snapshots.ts'
import { unitOfWork } from '../../packages/server/src/store/unit-of-work.ts'

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

/** Nothing of a campaign asks these. */
const nobody = new Proxy({}, { get: () => () => Promise.reject(new Error('Nobody is here.')) })

export async function openDesk(connectionString: string): Promise<Desk> {
  const database = openDatabase({ connectionString, onError: () => {} })
  const { pool } = database
  const clock = { now: () => new Date() }
  const announce = () => {}
  const work = deviceWork({ database, releases: releaseCache(pool), announce, clock })
  const run = unitOfWork(database, announce)
  const desk = deviceDesk({
    accounts: nobody as DeviceDeskNeeds['accounts'],
    artifacts: nobody as DeviceDeskNeeds['artifacts'],
    secrets: nobody as DeviceDeskNeeds['secrets'],
    newCredential: nobody as DeviceDeskNeeds['newCredential'],
    clock,
    certificates: nobody as DeviceDeskNeeds['certificates'],
    registering: nobody as DeviceDeskNeeds['registering'],
    clouds: nobody as DeviceDeskNeeds['clouds'],
    ids: uuids,
    proofs: proofs({ passwordKey: Buffer.alloc(32) }),
    moments: moments({ clock, ids: uuids, settings: { of: async () => STANDARD_SETTINGS } }),
    unitOfWork: run,
    work,
    checkInSeconds: 300,
    claimWindowMs: 0,
    onError: nobody as DeviceDeskNeeds['onError'],
  })
  const useCases = campaigns({ clock, ids: uuids, unitOfWork: run })
  const { rows: operators } = await pool.query('select id, tenant_id, name, role from operators')
  const [{ id, tenant_id: tenantId, name, role }] = operators
  const actor = {
    kind: 'operator',
    id,
    tenantId,
    name,
    role,
    customerId: null,
    tokenId: null,
    from: '127.0.0.1',
    via: 'session',
  } as const
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
    close: () => database.close(),
  }
}
