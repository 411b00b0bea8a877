/** What all else stands on: the database, what tells of its changes, the secrets, the files. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import type { Clock, Every } from '../app/ports.ts'
import { openStores } from '../artifacts/open-stores.ts'
import type { Config } from '../config.ts'
import { newPasswordKey, proofs } from '../credentials/proofs.ts'
import { newTicketKey, secrets, uuids } from '../credentials/secrets.ts'
import { migrate, openDatabase } from '../store/database.ts'
import { deviceWork } from '../store/device-work.ts'
import { eventFeed } from '../store/events.ts'
import { installationSecret } from '../store/installation-secrets.ts'
import { keptPostgres } from '../store/kept-postgres.ts'
import { notifications } from '../store/notifications.ts'
import { releaseCache } from '../store/snapshots.ts'
import { unitOfWork } from '../store/unit-of-work.ts'

export type Foundation = Awaited<ReturnType<typeof foundation>>

/** How what is opened is closed again, in the opposite order. */
export type OnStop = (stop: () => Promise<void>) => void

export async function foundation({
  config,
  log,
  clock,
  every,
  onStop,
}: {
  config: Config
  log: FastifyBaseLogger
  clock: Clock
  every: Every
  onStop: OnStop
}) {
  const report = (what: string) => (error: unknown) => log.error({ err: error }, what)
  await mkdir(config.data, { recursive: true })

  const localDatabase = async (): Promise<string> => {
    const local = await keptPostgres({ dataFolder: config.data, log })
    onStop(() => local.stop())
    return local.connectionString
  }
  const connectionString = config.databaseUrl ?? (await localDatabase())
  const database = openDatabase({
    connectionString,
    onError: (error) => log.warn({ err: error }, 'a database connection was lost'),
  })
  onStop(() => database.close())
  const { applied } = await migrate(database)
  if (applied.length > 0) log.info({ applied }, 'the database was migrated')
  const feed = eventFeed(report('an event could not be delivered'))
  const others = await notifications({
    connectionString,
    self: uuids.next(),
    feed,
    onError: (error) =>
      log.warn({ err: error }, 'the line to other servers was lost; it is taken up again'),
  })
  onStop(() => others.close())
  const { announce } = others

  const ticketKey = await installationSecret(database, 'ticket-key', newTicketKey)
  const passwordKey = await installationSecret(database, 'device-password-key', newPasswordKey)

  const folder = join(config.data, 'artifacts')
  const artifacts = await openStores(
    config.artifacts ?? [{ name: 'default', kind: 'file', folder }],
    { staging: join(config.data, 'staging'), log },
  )
  onStop(() => artifacts.close())

  return {
    announce,
    artifacts,
    clock,
    config,
    database,
    every,
    feed,
    ids: uuids,
    log,
    onStop,
    proofs: proofs({ passwordKey }),
    report,
    secrets: secrets({ ticketKey }),
    unitOfWork: unitOfWork(database, announce),
    work: deviceWork({ database, releases: releaseCache(database.pool), announce, clock }),
  }
}
