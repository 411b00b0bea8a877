/**
 * Vitest's global set-up: the embedded PostgreSQL, started once for the run, under a folder of its own. Tests
 * make their databases in it with tools/test-database.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalPostgres } from '@updraft/server/store/local-postgres'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string
  }
}

const silent = { info: () => {}, warn: () => {} }

export default async function setup(project: TestProject) {
  const dataFolder = await mkdtemp(join(tmpdir(), 'updraft-test-'))
  const postgres = await startLocalPostgres({
    dataFolder,
    log: silent,
    shelter: join(dataFolder, 'shelter'),
  })
  project.provide('postgresUrl', postgres.connectionString)
  return async () => {
    await postgres.stop()
    await rm(dataFolder, { recursive: true, force: true })
  }
}
