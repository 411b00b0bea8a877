import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { manifestFaults, OUTSIDE, printViolation, violations } from './arrows.ts'
import { readSource, type Source } from './imports.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const patterns = ['packages/*/src', ...OUTSIDE].flatMap((folder) => [
  `${folder}/**/*.ts`,
  `${folder}/**/*.tsx`,
])
function readAll(): Source[] {
  return globSync(patterns, { cwd: root, exclude: (name) => name === 'node_modules' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.endsWith('.d.ts'))
    .sort()
    .map((file) => readSource(file, readFileSync(join(root, file), 'utf8')))
}

describe('the sources', () => {
  let sources: Source[] = []
  beforeAll(() => {
    sources = readAll()
  })

  test('import along the arrows of the architecture only', () => {
    expect(sources.length).toBeGreaterThan(10)
    expect(violations(sources).map(printViolation).join('\n')).toBe('')
  })

  test.each(globSync('packages/*/package.json', { cwd: root }).sort())('match %s', (manifest) => {
    const { dependencies = {} } = JSON.parse(readFileSync(join(root, manifest), 'utf8'))
    const name = manifest.split(/[\\/]/)[1] ?? ''
    expect(manifestFaults(name, Object.keys(dependencies), sources).join('\n')).toBe('')
  })
})

/** What the judge says of made-up files: one line each, without the file's name. */
function judged(files: Record<string, string>): string[] {
  const made = Object.entries(files).map(([file, text]) => readSource(`packages/${file}`, text))
  return violations(made).map((each) => printViolation(each).replace(/^packages\//, ''))
}

describe('the judge', () => {
  test.each([
    {
      rule: 'packages',
      file: 'wire/src/a.ts',
      text: "import { x } from '@updraft/api/shapes'",
      says: 'wire/src/a.ts:1 imports @updraft/api/shapes: package wire may import core',
    },
    {
      rule: 'packages, for types too',
      file: 'core/src/a.ts',
      text: "\nexport type A = import('@updraft/wire/updraft').B",
      says: 'core/src/a.ts:2 imports the type of @updraft/wire/updraft: package core may import nothing',
    },
    {
      rule: 'packages by name',
      file: 'agent/src/a.ts',
      text: "export * from '../../core/src/index.ts'",
      says: 'agent/src/a.ts:1 imports ../../core/src/index.ts: core is another package: import it by its name',
    },
    {
      rule: 'libraries of a package',
      file: 'agent/src/a.ts',
      text: "import z from 'zod'",
      says: 'agent/src/a.ts:1 imports zod: of libraries package agent may import mqtt-packet, yauzl',
    },
    {
      rule: 'built-ins of a package',
      file: 'core/src/a.ts',
      text: "import { readFileSync } from 'fs'",
      says: 'core/src/a.ts:1 imports fs: of built-ins of Node package core may import nothing',
    },
    {
      rule: 'the handover',
      file: 'cli/src/a.ts',
      text: "await import('@updraft/server')\nimport '@updraft/server'",
      says: 'cli/src/a.ts:2 imports @updraft/server: cli hands over to server by a dynamic import only',
    },
    {
      rule: 'computed imports',
      file: 'server/src/app/a.ts',
      text: 'await import(name)',
      says: 'server/src/app/a.ts:1 imports a computed path: an import names its target, so that arrows can be read',
    },
    {
      rule: 'rooms',
      file: 'server/src/app/a.ts',
      text: "import '../store/fleet.ts'",
      says: 'server/src/app/a.ts:1 imports ../store/fleet.ts: room app may import nothing',
    },
    {
      rule: 'files in rooms',
      file: 'server/src/dialects/deep/a.ts',
      text: "import '../../app/device-desk.ts'\nimport '../dialect.ts'\nimport type { A } from '../../app/fleet.ts'",
      says: 'server/src/dialects/deep/a.ts:3 imports the type of ../../app/fleet.ts: room dialects may import app/cluster-desk, app/device-desk, app/hawkbit-desk, app/live-sessions, app/pacer, transports',
    },
    {
      rule: 'packages of a room',
      file: 'server/src/transports/a.ts',
      text: "import '@updraft/core'",
      says: 'server/src/transports/a.ts:1 imports @updraft/core: of our packages room transports may import wire/coap-message',
    },
    {
      rule: 'files of packages of a room',
      file: 'server/src/transports/a.ts',
      text: "import '@updraft/wire/coap-message'\nimport '@updraft/wire/thingsboard'",
      says: 'server/src/transports/a.ts:2 imports @updraft/wire/thingsboard: of our packages room transports may import wire/coap-message',
    },
    {
      rule: 'a room without a row',
      file: 'server/src/helpers/a.ts',
      text: '',
      says: 'server/src/helpers/a.ts:1 room helpers: has no row in ROOMS (tools/arrows.ts)',
    },
    {
      rule: 'a package without a row',
      file: 'extras/src/a.ts',
      text: '',
      says: 'extras/src/a.ts:1 package extras: has no row in PACKAGES (tools/arrows.ts)',
    },
    {
      rule: 'nothing at all in app',
      file: 'server/src/app/a.ts',
      text: "import { join } from 'node:path'",
      says: 'server/src/app/a.ts:1 imports node:path: room app imports nothing from outside',
    },
    {
      rule: 'doors of libraries',
      file: 'server/src/operator/a.ts',
      text: "import { sql } from 'kysely'",
      says: 'server/src/operator/a.ts:1 imports kysely: the only room that imports it is store',
    },
    {
      rule: 'types at the edges',
      file: 'server/src/dialects/a.ts',
      text: "import type { FastifyInstance } from 'fastify'\nimport fastify from 'fastify'",
      says: 'server/src/dialects/a.ts:2 imports fastify: here by `import type` only; values in transports',
    },
    {
      rule: 'libraries without a door',
      file: 'server/src/store/a.ts',
      text: "import pad from 'left-pad/deep'",
      says: 'server/src/store/a.ts:1 imports left-pad/deep: no row in DOORS (tools/arrows.ts) says which room may',
    },
    {
      rule: 'doors of built-ins',
      file: 'server/src/store/fleet.ts',
      text: "import { readFile } from 'node:fs/promises'",
      says: 'server/src/store/fleet.ts:1 imports node:fs/promises: the only room that imports it is artifacts, store/database, store/local-postgres*, main, config, platform',
    },
    {
      rule: 'the environment',
      file: 'agent/src/agent.ts',
      text: '// process.env\nconst { env } = process',
      says: 'agent/src/agent.ts:2 uses process.env: the environment is read where a program starts: packages/server/src/main.ts, packages/server/src/config.ts, packages/cli/src/main.ts, packages/agent/src/main.ts, packages/simulator/src/main.ts',
    },
    {
      rule: 'purity',
      file: 'core/src/a.ts',
      text: 'const then = new Date(0)\nconst now = new Date()',
      says: 'core/src/a.ts:2 uses new Date(): core is pure: time, chance and the world come as arguments',
    },
  ])('says no for: $rule', ({ file, text, says }) => {
    expect(judged({ [file]: text })).toEqual([says])
  })

  test('says no for a cycle of values, not for one of types', () => {
    const files = {
      'core/src/a.ts': "import { b } from './b.ts'",
      'core/src/b.ts': "import { c } from './deep/c.ts'",
      'core/src/deep/c.ts': "import { a } from '../a.ts'",
      'core/src/d.ts': "import type { e } from './e.ts'",
      'core/src/e.ts': "import { d } from './d.ts'",
    }
    expect(judged(files)).toEqual([
      'core/src/deep/c.ts:1 imports ../a.ts: closes a cycle: packages/core/src/a.ts → packages/core/src/b.ts → packages/core/src/deep/c.ts → packages/core/src/a.ts',
    ])
  })

  test('says nothing of what the tables allow, of tests, of comments and of strings', () => {
    const files = {
      'core/src/index.ts': "export * from './version.ts'",
      'core/src/version.ts': "// import 'node:fs'\nexport const text = \"import 'node:fs'\"",
      'core/src/version.test.ts': "import 'node:fs'",
      'server/src/platform.ts': "import './store/database.ts'",
      'server/src/store/database.ts': "import 'pg'\nimport type { Clock } from '../app/ports.ts'",
      'dashboard/src/main.tsx': "import React from 'react'\nexport const a = <b>import 'pg'</b>",
    }
    expect(judged(files)).toEqual([])
  })

  test('holds a manifest against the sources', () => {
    const made = [
      readSource('packages/api/src/a.ts', "import z from 'zod'\nimport '@updraft/core'"),
      readSource('packages/api/src/b.ts', "const target = 'pino-pretty'"),
      readSource('packages/api/src/b.test.ts', "import 'vitest'"),
    ]
    expect(manifestFaults('api', ['zod', 'pino-pretty', 'pg'], made)).toEqual([
      'packages/api/src/a.ts:2 imports @updraft/core, which packages/api/package.json does not declare',
      'packages/api/package.json declares pg, which no source imports',
    ])
  })
})
