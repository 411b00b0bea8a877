/** Holds the WHERE of an expression against core's evaluation: made-up expressions over made-up devices. */
import { randomUUID } from 'node:crypto'
import { DomainError } from '@updraft/core'
import { compile, type DeviceFacts, holds } from '@updraft/core/expression'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seeded } from '../../../../tools/chance.ts'
import { deviceFacts, expressionFilter } from './expression-filter.ts'
import type { Scope } from './scope.ts'
import {
  addTenant,
  minutesAfter,
  NOON,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

const SEED = Number(process.env.SEED ?? 20260301)
const DEVICES = 150
const EXPRESSIONS = 500

let store: TestStore
let tenant: Tenant
let facts: DeviceFacts[]

/** Within a transaction of the tenant. */
const within = <T>(work: (scope: Scope) => Promise<T>): Promise<T> =>
  store.database.db
    .transaction()
    .execute((db) => work({ db, tenantId: tenant.id, customerId: null, written: () => {} }))

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  await fillFleet()
  await addTenant(store, 'other')
  const rows = await store.rows<{ id: string }>('select id from devices')
  facts = await within((scope) =>
    deviceFacts(
      scope,
      rows.map(({ id }) => id),
    ),
  )
})
afterAll(() => store.close())

const TEXTS = [
  '',
  'a',
  'ab',
  'b',
  'A',
  'eu-1',
  'eu-22',
  '1.0.0',
  '1.10.0',
  '2.0.0-rc.1',
  '50%_',
  'a\\b',
  'é',
  '😀',
  '\uffff',
  'null',
  'constructor',
]
const JSONS: readonly unknown[] = [
  ...TEXTS,
  0,
  1,
  1.5,
  -1,
  5,
  1e21,
  1e-7,
  9007199254740992,
  true,
  false,
  null,
  [],
  [1, 'a'],
  ['a', 'b'],
  {},
  { k: 1 },
  { k: 'a' },
  { k: { k: 'ab' } },
  { constructor: 1, k: true },
  { '': 5 },
]
const LABELS = ['beta', 'beta-2', 'roof', '50%_', 'é', '😀']
const TYPES = ['firmware', 'software']
const KEYS = ['k', 'm', 'constructor', 'x y', '']

async function fillFleet() {
  const chance = dice(SEED)
  const profiles = [await tenant.addProfile('Sensor'), await tenant.addProfile('a')]
  const customer = await tenant.addCustomer('Acme')
  const cloudId = randomUUID()
  await store.rows(
    "insert into clouds (id, tenant_id, name, created_at) values ($1, $2, 'eu-1', $3)",
    [cloudId, tenant.id, NOON],
  )
  const [typeId, modelId] = [randomUUID(), randomUUID()]
  const made = [tenant.id, NOON]
  await store.rows("insert into hardware_types values ($3, $1, 'board', 'Board', $2)", [
    ...made,
    typeId,
  ])
  await store.rows("insert into hardware_type_part_numbers values ($1, 'a', $2)", [
    tenant.id,
    typeId,
  ])
  await store.rows("insert into system_models values ($3, $1, 'box', 'Box', $4, null, $2)", [
    ...made,
    modelId,
    typeId,
  ])
  await store.rows("insert into system_model_part_numbers values ($1, 'eu-1', $2), ($1, '', $2)", [
    tenant.id,
    modelId,
  ])
  for (let index = 0; index < DEVICES; index += 1) {
    const id = randomUUID()
    const json = () =>
      JSON.stringify(
        Object.fromEntries(
          [...KEYS, 'partNumber'].filter(() => chance.half()).map((key) => [key, chance.of(JSONS)]),
        ),
      )
    await store.rows(
      `insert into devices (id, tenant_id, profile_id, customer_id, cloud_id, name, labels, attributes, inventory, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        id,
        tenant.id,
        chance.of(profiles),
        chance.half() ? customer.id : null,
        chance.half() ? cloudId : null,
        `${chance.of(TEXTS)}${index}`,
        LABELS.filter(() => chance.half()),
        json(),
        json(),
        minutesAfter(NOON, -chance.below(5)),
      ],
    )
    await store.rows('insert into device_presence values ($1, $2, $3, $4)', [
      id,
      tenant.id,
      chance.half() ? minutesAfter(NOON, -chance.below(5)) : null,
      chance.half() ? chance.of(['updraft', 'a']) : null,
    ])
    for (const type of TYPES) {
      if (chance.half()) continue
      const [title, version] = [chance.half(), chance.half()].map((is) =>
        is ? chance.of(TEXTS) : null,
      )
      await store.rows(
        `insert into device_components (device_id, type, tenant_id, installed_title, installed_version)
         values ($1, $2, $3, $4, $5)`,
        [id, type, tenant.id, title, version],
      )
    }
  }
}

const dice = (seed: number) => {
  const next = seeded(seed)
  const below = (count: number) => Math.floor(next() * count)
  return {
    below,
    half: () => next() < 0.5,
    of: <T>(from: readonly T[]): T => from[below(from.length)] as T,
  }
}
type Dice = ReturnType<typeof dice>

// Expressions

const quoted = (text: string) => JSON.stringify(text)
const OPERATORS = ['==', '!=', '<', '<=', '>', '>=']

function question(chance: Dice, depth: number): string {
  if (depth > 0 && chance.below(5) > 0) {
    const part = () => question(chance, depth - 1)
    switch (chance.below(7)) {
      case 0:
      case 1:
        return `(${part()} && ${part()})`
      case 2:
      case 3:
        return `(${part()} || ${part()})`
      case 4:
      case 5:
        return `!(${part()})`
      default:
        return `(${part()} ? ${part()} : ${part()})`
    }
  }
  return chance.of(LEAVES)(chance)
}

const text = (chance: Dice): string =>
  chance.of([
    'name',
    'profile',
    'customer',
    'cloud',
    'dialect',
    'partNumber',
    'systemModel',
    'hardwareType',
    ...TYPES.flatMap((type) => [`installed.${type}.version`, `installed["${type}"].title`]),
  ])
const json = (chance: Dice): string => {
  const key = () => `["${chance.of(KEYS)}"]`
  return `${chance.of(['inventory', 'attributes'])}${key()}${chance.below(4) === 0 ? key() : ''}`
}
const literal = (chance: Dice): string => {
  const value = chance.of(JSONS.filter((each) => typeof each !== 'object' || each === null))
  return typeof value === 'number' && !/[.e]/.test(String(value)) && chance.half()
    ? `${value}.0`
    : JSON.stringify(value)
}
const textLiteral = (chance: Dice) =>
  quoted(chance.of([...TEXTS, 'Sensor', 'Acme', 'updraft', 'box', 'board', 'P-1']))
const order = (chance: Dice) => chance.of(OPERATORS)

const LEAVES: readonly ((chance: Dice) => string)[] = [
  (chance) => `${quoted(chance.of([...LABELS, 'none']))} in labels`,
  (chance) => `size(labels) ${order(chance)} ${chance.below(5)}`,
  (chance) =>
    `labels.${chance.of(['exists', 'all', 'exists_one'])}(x, ${chance.of(['glob(x, "beta*")', 'x == "roof"', 'size(x) > 4', 'matches(x, "^[a-z]+$")', 'versionCompare(x, "1.0.0") > 0', 'x == name'])})`,
  (chance) => `${text(chance)} ${order(chance)} ${textLiteral(chance)}`,
  (chance) => `${textLiteral(chance)} ${order(chance)} ${text(chance)}`,
  (chance) => `${text(chance)} ${chance.of(['==', '!=', '<'])} ${text(chance)}`,
  (chance) => `${text(chance)} in [${textLiteral(chance)}, ${textLiteral(chance)}]`,
  (chance) => `${json(chance)} ${order(chance)} ${literal(chance)}`,
  (chance) => `${literal(chance)} ${order(chance)} ${json(chance)}`,
  (chance) => `${json(chance)} ${chance.of(['==', '!='])} ${chance.of([json, text])(chance)}`,
  (chance) =>
    `${json(chance)} in [${chance.half() ? `${textLiteral(chance)}, ${textLiteral(chance)}` : '1.0, 5.0'}]`,
  (chance) => `${literal(chance)} in ${json(chance)}`,
  (chance) => `${textLiteral(chance)} in ${chance.of(['inventory', 'attributes', 'installed'])}`,
  (chance) => `"${chance.of(TYPES)}" in installed`,
  (chance) => `has(installed.${chance.of([...TYPES, 'none'])})`,
  (chance) => `has(installed.${chance.of([...TYPES, 'none'])}.${chance.of(['version', 'title'])})`,
  (chance) => `has(inventory.${chance.of(['k', 'm', 'k.k', 'k.k.k', 'constructor'])})`,
  json,
  (chance) =>
    `${chance.half() ? text(chance) : json(chance)}.${chance.of(['startsWith', 'endsWith', 'contains'])}(${textLiteral(chance)})`,
  (chance) =>
    `glob(${chance.half() ? text(chance) : json(chance)}, ${quoted(chance.of(['*', '?', 'a*', '*-?', '50%_', 'a\\b', '', '*1*']))})`,
  (chance) =>
    `matches(${chance.half() ? text(chance) : json(chance)}, ${quoted(chance.of(['a', '^a', '[0-9]+$', '^$', '.']))})`,
  (chance) =>
    `versionMatches(${text(chance)}, ${quoted(chance.of(['~> 1.0', '>= 2.0.0-rc.1', '1.0.0 or < 0.1.0']))})`,
  (chance) => `versionCompare(${text(chance)}, "1.10.0") ${order(chance)} 0`,
  (chance) => `semver(${text(chance)}, "${order(chance)}", "1.10.0")`,
  (chance) => `versionOf(installed, "${chance.of(TYPES)}") ${order(chance)} ${textLiteral(chance)}`,
  (chance) => `semver(versionOf(installed, "${chance.of(TYPES)}"), "<", "1.10.0")`,
  (chance) =>
    `version${chance.of(['Major', 'Minor', 'Patch'])}(${text(chance)}) ${order(chance)} ${chance.below(3)}`,
  (chance) =>
    `${chance.of(['lastSeenAt', 'createdAt'])} ${order(chance)} now() - duration("${chance.below(5)}m")`,
  (chance) =>
    `${chance.of(['lastSeenAt', 'createdAt'])} ${order(chance)} timestamp("2026-03-01T11:58:00Z")`,
  (chance) => `lastSeenAt + duration("2m") ${order(chance)} now()`,
  () => 'seen',
  (chance) => `seen == ${chance.half()}`,
  (chance) => `${json(chance)} + 1.0 > 2.0`,
  (chance) => `${json(chance)}[0] == 1`,
  (chance) => `${json(chance)}.exists(x, x == "a")`,
  (chance) => `size(${json(chance)}) == 2`,
  (chance) =>
    chance.of([
      'true',
      'false',
      '1 / 0 == 1',
      'timestamp("2020-01-01T00:00:00Z") < now()',
      '"a".startsWith("a")',
    ]),
]

const found = async (expression: string) =>
  within(async (scope) => {
    const asked = { any: [compile(expression)], now: NOON }
    const { where, keep } = await expressionFilter(scope, asked)
    const rows = await scope.db
      .selectFrom('devices')
      .innerJoin('profiles', 'profiles.id', 'devices.profile_id')
      .leftJoin('device_presence', 'device_presence.device_id', 'devices.id')
      .select('devices.id')
      .where('devices.tenant_id', '=', tenant.id)
      .where(where)
      .execute()
    const ids = rows.map(({ id }) => id)
    const kept = keep && (await keep(ids))
    return { ids: new Set(kept ? ids.filter((id) => kept.has(id)) : ids), isInSql: keep === null }
  })

/** Not everything that is made up passes the check of types. */
const isSound = (expression: string) => {
  try {
    compile(expression)
    return true
  } catch (error) {
    if (error instanceof DomainError) return false
    throw error
  }
}

const expected = (expression: string) => {
  const program = compile(expression)
  return facts.filter((each) => holds(program, each, NOON).holds).map(({ device }) => device.name)
}
const namesOf = (ids: ReadonlySet<string>) =>
  facts.filter(({ device }) => ids.has(device.id)).map(({ device }) => device.name)

test(`as SQL an expression holds for the same devices as by evaluation (seed ${SEED})`, async () => {
  const chance = dice(SEED + 1)
  let inSql = 0
  let some = 0
  for (let count = 0; count < EXPRESSIONS; count += 1) {
    // First every kind of question by itself, and its contrary.
    const leaf = LEAVES[count >> 3]
    const single = leaf && (count % 2 === 0 ? leaf(chance) : `!(${leaf(chance)})`)
    const expression = single ?? question(chance, 4)
    if (!isSound(expression)) continue
    const { ids, isInSql } = await found(expression)
    expect(namesOf(ids), expression).toEqual(expected(expression))
    if (isInSql) inSql += 1
    if (ids.size > 0 && ids.size < DEVICES) some += 1
  }
  // The made-up ones are of use: most tell devices apart, and most of them the database alone.
  expect(some).toBeGreaterThan(EXPRESSIONS / 3)
  expect(inSql).toBeGreaterThan(EXPRESSIONS / 4)
}, 120_000)

describe('the database alone decides', () => {
  test.each([
    '"beta" in labels && !("roof" in labels)',
    'labels.exists(x, matches(x, "^beta(-[0-9]+)?$"))',
    'versionMatches(installed.firmware.version, "~> 1.0 or >= 2.0.0")',
    'versionCompare(installed.firmware.version, "1.10.0") < 0',
    'semver(versionOf(installed, "firmware"), "<", "1.10.0") || versionOf(installed, "firmware") == ""',
    'versionMajor(versionOf(installed, "firmware")) >= 1',
    'installed.firmware.version.matches("^1\\\\.") || profile.matches("^S")',
    'inventory.k > 1 && attributes.m == "a" || has(inventory.m)',
    'lastSeenAt < now() - duration("24h") || !seen',
    'glob(name, "eu-*") && customer == "Acme"',
    'systemModel in ["box", "crate"] && partNumber != ""',
  ])('%s', async (expression) => {
    const { ids, isInSql } = await found(expression)
    expect(isInSql).toBe(true)
    expect(namesOf(ids)).toEqual(expected(expression))
  })
})

test('what only evaluation decides is asked of those that the rest leaves', async () => {
  const narrowed = await within((scope) =>
    expressionFilter(scope, {
      any: [compile('"beta" in labels && matches(name, "1")')],
      now: NOON,
    }).then(async ({ where, keep }) => {
      const rows = await scope.db
        .selectFrom('devices')
        .innerJoin('profiles', 'profiles.id', 'devices.profile_id')
        .leftJoin('device_presence', 'device_presence.device_id', 'devices.id')
        .select('devices.id')
        .where(where)
        .execute()
      return { asked: rows.length, isKept: keep !== null }
    }),
  )
  const beta = facts.filter(({ device }) => device.labels.includes('beta'))
  expect(narrowed).toEqual({ asked: beta.length, isKept: true })
})
