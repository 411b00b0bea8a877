// The device desk of a server in this process, without doors: what is measured is all behind them.

import { type OperatorActor, STANDARD_SETTINGS } from '../../packages/core/src/index.ts'
import {
  type DeviceDesk,
  type DeviceDeskNeeds,
  deviceDesk,
} from '../../packages/server/src/app/device-desk.ts'
import { moments } from '../../packages/server/src/app/moments.ts'
import { proofs } from '../../packages/server/src/credentials/proofs.ts'
import { uuids } from '../../packages/server/src/credentials/secrets.ts'
import { type Database, openDatabase } from '../../packages/server/src/store/database.ts'
import { deviceWork } from '../../packages/server/src/store/device-work.ts'
import { releaseCache } from '../../packages/server/src/store/snapshots.ts'
import { unitOfWork } from '../../packages/server/src/store/unit-of-work.ts'

/** Nothing that is measured asks these. */
const nobody = new Proxy({}, { get: () => () => Promise.reject(new Error('Nobody is here.')) })

export interface DeskParts {
  readonly desk: DeviceDesk
  readonly pool: Database['pool']
  /** What use cases of operators are given. */
  readonly needs: {
    readonly clock: { now(): Date }
    readonly ids: typeof uuids
    readonly unitOfWork: ReturnType<typeof unitOfWork>
  }
  readonly actor: OperatorActor
  close(): Promise<void>
}

export async function deskOf(connectionString: string): Promise<DeskParts> {
  const database = openDatabase({ connectionString, onError: () => {} })
  const { pool } = database
  const clock = { now: () => new Date() }
  const announce = () => {}
  const work = deviceWork({ database, releases: releaseCache(pool), announce, clock })
  const run = unitOfWork(database, announce)
  const desk = deviceDesk({
    accounts: nobody as DeviceDeskNeeds['accounts'],
    artifacts: nobody as DeviceDeskNeeds['artifacts'],
    boxes: nobody as DeviceDeskNeeds['boxes'],
    ownBoxes: nobody as DeviceDeskNeeds['ownBoxes'],
    logs: nobody as DeviceDeskNeeds['logs'],
    secrets: nobody as DeviceDeskNeeds['secrets'],
    sources: nobody as DeviceDeskNeeds['sources'],
    newCredential: nobody as DeviceDeskNeeds['newCredential'],
    clock,
    certificates: nobody as DeviceDeskNeeds['certificates'],
    pairing: nobody as DeviceDeskNeeds['pairing'],
    registering: nobody as DeviceDeskNeeds['registering'],
    requests: nobody as DeviceDeskNeeds['requests'],
    clouds: nobody as DeviceDeskNeeds['clouds'],
    cloudOf: async () => null,
    ids: uuids,
    proofs: proofs({ passwordKey: Buffer.alloc(32) }),
    moments: moments({ clock, ids: uuids, settings: { of: async () => STANDARD_SETTINGS } }),
    unitOfWork: run,
    work,
    checkInSeconds: 300,
    claimWindowMs: 0,
    onError: nobody as DeviceDeskNeeds['onError'],
  })
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
  return {
    desk,
    pool,
    needs: { clock, ids: uuids, unitOfWork: run },
    actor,
    close: () => database.close(),
  }
}
