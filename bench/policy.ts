// What policies cost: check-ins that are asked fifty of them, none of which holds, beside the same without any.

import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { policies } from '../packages/server/src/app/policies.ts'
import { type DeskParts, deskOf } from './parts/desk.ts'
import { tokenOf, withFleet } from './parts/fleet.ts'
import { machine, printMachine } from './parts/machine.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    devices: { type: 'string', default: '1000000' },
    policies: { type: 'string', default: '50' },
    /** So many devices ask side by side. */
    'at-once': { type: 'string', default: '256' },
    /** Of each way, in turn; the first of each warms up and does not count. */
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '5' },
  },
})
const devices = Number(options.devices)
const policyCount = Number(options.policies)
const atOnce = Number(options['at-once'])
const rounds = Number(options.rounds)
const seconds = Number(options.seconds)

const AT_MOST_RATIO = 1.3
/** What every device says of itself each time, as it is known already. */
const SAYS = { region: 'us-west', tier: 'basic', memory: 256, model: 'Office-3' }
const RUNS = { firmware: { title: 'app', version: '1.0.0' } }

/** Those without an expression are for older versions than any device runs; the others hold for no device. */
const EXPRESSIONS = [
  '',
  'semver(version, "<", newVersion) && device.region == "eu"',
  'major >= 1 && minor >= 1 && device.memory >= 512',
  'device.model.startsWith("Home") || device.tier == "premium"',
  '"beta" in labels && version == "1.0.0"',
]

/** Releases with policies, all of them disabled yet. */
async function addPolicies({ pool, needs, actor }: DeskParts): Promise<void> {
  await pool.query('delete from assignments')
  const useCases = policies(needs)
  for (let index = 0; index < policyCount; index += 1) {
    const expression = EXPRESSIONS[index % EXPRESSIONS.length] ?? ''
    const version = expression === '' ? `0.9.${index}` : `1.1.${index}`
    const { rows } = await pool.query(
      `insert into releases (id, tenant_id, profile_id, title, version, type, artifact_sha256, size_bytes, created_at)
       select gen_random_uuid(), tenant_id, id, 'app', $1, 'firmware', repeat('ab', 32), 1024, now() from profiles
       returning id`,
      [version],
    )
    const draft = { expression, limits: {}, cloudIds: [], isEnabled: false }
    await useCases.put(actor, rows[0].id, draft)
  }
}

async function enable({ pool }: DeskParts, isEnabled: boolean): Promise<void> {
  await pool.query('update policies set is_enabled = $1', [isEnabled])
  await pool.query('update profiles set policies_revision = policies_revision + 1')
}

/** Check-ins per second, of devices in an order without order. */
async function measure({ desk }: DeskParts): Promise<number> {
  const endMs = performance.now() + seconds * 1000
  let [done, next] = [0, 0]
  const walk = async () => {
    while (performance.now() < endMs) {
      const device = await desk.identify(tokenOf((next++ * 7919) % devices), 'bench')
      const { offers } = await desk.checkIn(
        device,
        { installed: RUNS, inventory: SAYS },
        { tells: true },
      )
      if (offers.length > 0) throw new Error('Something was offered.')
      done += 1
    }
  }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: atOnce }, walk))
  return (done * 1000) / (performance.now() - startMs)
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

async function run(parts: DeskParts) {
  await addPolicies(parts)
  const [plain, asked]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round += 1) {
    await enable(parts, false)
    plain.push(await measure(parts))
    await enable(parts, true)
    asked.push(await measure(parts))
  }
  const [without, withPolicies] = [median(plain.slice(1)), median(asked.slice(1))]
  return {
    devices,
    policies: policyCount,
    withoutPerSecond: without,
    withPerSecond: withPolicies,
    ratio: without / withPolicies,
  }
}

const loadBefore = loadavg()[0] ?? 0
const measureIn = async (connectionString: string) => {
  const parts = await deskOf(connectionString)
  return run(parts).finally(() => parts.close())
}
const results = await withFleet(devices, measureIn, SAYS)
const load = { before: loadBefore, after: loadavg()[0] ?? 0 }
if (options.json) {
  console.log(
    JSON.stringify({ benchmark: 'policy', machine: machine(), results: { ...results, load } }),
  )
} else {
  console.log(printMachine(machine()))
  console.log(`load ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after\n`)
  console.log(`  ${devices} devices known, ${atOnce} of them at once`)
  console.log(`    without policies      ${results.withoutPerSecond.toFixed(0)} checks per second`)
  console.log(`    with ${policyCount} that are asked ${results.withPerSecond.toFixed(0)}`)
  const mark = results.ratio <= AT_MOST_RATIO ? ' ' : '!'
  console.log(`${mark}   ${results.ratio.toFixed(2)} times as long (at most ${AT_MOST_RATIO})`)
}
