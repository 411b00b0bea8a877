/** The database of our own, kept running: when its server dies under us, it is started again. */
import { setTimeout as pause } from 'node:timers/promises'
import {
  type LocalPostgres,
  type LocalPostgresOptions,
  type Log,
  startLocalPostgres,
} from './local-postgres.ts'

const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000

export interface KeptPostgres {
  readonly connectionString: string
  stop(): Promise<void>
}

interface Options extends LocalPostgresOptions {
  readonly log: Log & { error(details: object, message: string): void }
}

/**
 * Rejects when the first start fails; later ones are tried until they succeed. It comes back where it was, which
 * is a socket in the data folder; only where paths are too long for one, or on Windows, its port may differ.
 */
export async function keptPostgres(options: Options): Promise<KeptPostgres> {
  const { log } = options
  const stopping = new AbortController()
  const { signal } = stopping
  let local = await startLocalPostgres(options)
  const { connectionString } = local

  const startAgain = async (): Promise<LocalPostgres | undefined> => {
    for (
      let retryMs = FIRST_RETRY_MS;
      !signal.aborted;
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)
    ) {
      try {
        return await startLocalPostgres({ ...options, signal })
      } catch (err) {
        if (signal.aborted) break
        log.error({ err }, 'the database could not be started again; it is tried once more')
        await pause(retryMs, undefined, { signal }).catch(() => {})
      }
    }
    return undefined
  }

  const keep = async (): Promise<void> => {
    const stopped = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true })
    })
    for (;;) {
      const death = await Promise.race([local.died, stopped])
      if (!death) return
      log.error(death, 'the database went away; it is started again')
      const next = await startAgain()
      if (!next) return
      local = next
      if (local.connectionString !== connectionString) {
        log.error({}, 'the database came back at another address; start this server again')
      }
    }
  }
  const keeping = keep()

  return {
    connectionString,
    stop: async () => {
      stopping.abort()
      await keeping
      await local.stop()
    },
  }
}
