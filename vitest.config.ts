import { defineConfig } from 'vitest/config'

/** Tests of these rooms of the server use a database of their own. */
const withDatabase = 'packages/server/src/{store,app,artifacts,operator,dialects}/**/*.test.ts'

/** Kill the agent at every step: too long for every save. */
const cuts = 'packages/agent/src/{,box/**/}{crash,power-cut}.test.ts'

/** One PostgreSQL for the run; each test file makes a database in it. */
const globalSetup = 'tools/test-postgres.ts'

/** Patience for machines under load; tests wait for events, never for time to pass. */
const polling = { expect: { poll: { timeout: 60_000 } } }
const patient = { testTimeout: 180_000, hookTimeout: 180_000, ...polling }

/** There are two of it in its package, and values of one are none of the other: the one that Node takes. */
const resolve = { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] }

export default defineConfig({
  test: {
    watch: false,
    passWithNoTests: true,
    maxWorkers: 2,
    projects: [
      {
        resolve,
        test: {
          name: 'fast',
          include: ['packages/*/src/**/*.test.{ts,tsx}', 'tools/*.test.ts'],
          exclude: [withDatabase, cuts],
          sequence: { groupOrder: 0 },
          ...patient,
        },
      },
      {
        resolve,
        test: {
          name: 'store',
          include: [withDatabase],
          sequence: { groupOrder: 1 },
          globalSetup,
          ...patient,
        },
      },
      {
        resolve,
        test: {
          name: 'cuts',
          include: [cuts],
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          ...polling,
        },
      },
      {
        resolve,
        test: {
          name: 'e2e',
          include: ['e2e/*.test.ts'],
          sequence: { groupOrder: 2 },
          globalSetup,
          ...patient,
        },
      },
      {
        // Programs of other houses, as they are published.
        resolve,
        test: {
          name: 'compat',
          include: ['e2e/compat/*.test.ts'],
          sequence: { groupOrder: 2 },
          globalSetup,
          ...patient,
        },
      },
    ],
  },
})
