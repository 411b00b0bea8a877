// The dashboard in a browser: how soon it is there, and how smooth and small it stays while a fleet updates.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Browser, BrowserContext } from 'playwright-core'
import { type Client, createClient, urlOf } from '../packages/api/src/client.ts'
import { ROUTES } from '../packages/api/src/routes.ts'
import { startLocalPostgres } from '../packages/server/src/store/local-postgres.ts'
import { launchBrowser } from '../tools/chromium.ts'
import { ensureDashboard } from '../tools/dashboard.mjs'
import type { DevicesSettings, Moved } from './dashboard/devices.ts'
import { type Kept, openTab, type Paint, type Run, type Tab } from './dashboard/tab.ts'
import type { Endpoints, ServerSettings } from './notify/server.ts'
import { startSource, stop } from './parts/children.ts'
import { fill } from './parts/fleet.ts'
import { machine, printMachine } from './parts/machine.ts'
import { printSpread, spreadOf } from './parts/spread.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    devices: { type: 'string', default: '10000' },
    /** So often all of them are updated. */
    passes: { type: 'string', default: '2' },
  },
})
const rounds = Number(options.rounds)
const devices = Number(options.devices)
const passes = Number(options.passes)

const ADMIN_TOKEN = 'an-administrator-of-a-benchmark'
const PERSON = { name: 'ada', password: 'the password of a benchmark' }
const LOOK_MS = 100
/** What came last must be read within it. */
const SETTLE_MS = 20_000

const PAGES = [
  { name: 'sign-in', path: '/sign-in', isSignedIn: false, words: 'Sign in to Updraft' },
  { name: 'overview', path: '/', isSignedIn: true, words: 'In the field' },
] as const

/** From an empty cache, until nothing more is fetched. */
async function paints(browser: Browser, url: string, slow: boolean) {
  const found: Record<string, Paint[]> = {}
  for (const { name, path, isSignedIn, words } of PAGES) {
    found[name] = []
    for (let round = 0; round < rounds; round++) {
      const context = await contextOf(browser, url, isSignedIn)
      const tab = await openTab(context, path, { slow })
      await tab.page.getByText(words).first().waitFor()
      await setTimeout(slow ? 3000 : 1000)
      found[name].push(await tab.paint())
      await context.close()
    }
  }
  return found
}

async function contextOf(browser: Browser, url: string, isSignedIn: boolean) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 1440, height: 900 },
  })
  if (isSignedIn) await signIn(context)
  return context
}

async function signIn(context: BrowserContext): Promise<void> {
  const answer = await context.request.post(urlOf(ROUTES.signIn), { data: PERSON })
  if (!answer.ok()) throw new Error(`The sign-in was refused: ${await answer.text()}`)
}

interface Pass {
  readonly moved: Moved
  readonly runs: Record<string, Run>
  readonly kept: Record<string, Kept>
  /** After the last report, until both tabs told what the server knows. */
  readonly settledMs: number
}

/** All devices are updated while two tabs look on. */
async function pass(api: Client, url: string, tabs: Record<string, Tab>, version: string) {
  const profileId = (await api('listProfiles', { query: { name: 'sensor' } })).items[0]?.id ?? ''
  const { sha256 } = await api('uploadArtifact', { body: new TextEncoder().encode(version) })
  const release = { title: 'app', version, type: 'firmware', profile: 'sensor', sha256 }
  const { id: releaseId } = await api('createRelease', { body: release })
  await api('assignToProfile', { params: { id: profileId, type: 'firmware' }, body: { releaseId } })
  const endings = await Promise.all(
    Object.entries(tabs).map(async ([name, tab]) => [name, await tab.watch()] as const),
  )
  const settings: DevicesSettings = { url, devices, version }
  const { child, answer: moved } = await startSource<Moved>(
    new URL('./dashboard/devices.ts', import.meta.url),
    settings,
  )
  const endedMs = performance.now()
  await Promise.all(Object.values(tabs).map((tab) => agrees(tab, version)))
  const settledMs = performance.now() - endedMs
  const runs = Object.fromEntries(
    await Promise.all(endings.map(async ([name, end]) => [name, await end()] as const)),
  )
  await stop(child)
  return { moved, runs, kept: await keptOf(tabs), settledMs } satisfies Pass
}

/** Resolves when the tab tells of the whole fleet, or of its first rows, that they run that version. */
async function agrees({ page }: Tab, version: string): Promise<void> {
  const isList = new URL(page.url()).pathname === '/devices'
  const words = isList
    ? page.getByRole('row').nth(1).getByText(version).first()
    : page.locator('.field').getByText('100 %')
  await words.waitFor({ timeout: SETTLE_MS })
  if (isList) return
  await page.locator('.field').getByText(version).waitFor({ timeout: SETTLE_MS })
}

async function keptOf(tabs: Record<string, Tab>): Promise<Record<string, Kept>> {
  const kept: Record<string, Kept> = {}
  for (const [name, tab] of Object.entries(tabs)) kept[name] = await tab.kept()
  return kept
}

await ensureDashboard(fileURLToPath(new URL('..', import.meta.url)), process.execPath)
const data = mkdtempSync(join(tmpdir(), 'updraft-bench-'))
const postgres = await startLocalPostgres({
  dataFolder: data,
  log: { info: () => {}, warn: () => {} },
})
try {
  const { connectionString: databaseUrl } = postgres
  await fill(databaseUrl, devices)
  const { child, answer } = await startSource<Endpoints>(
    new URL('./notify/server.ts', import.meta.url),
    {
      data,
      databaseUrl,
      adminToken: ADMIN_TOKEN,
      pacePackSize: 1,
      paceIntervalMs: 0,
    } satisfies ServerSettings,
  )
  const browser = await launchBrowser()
  try {
    const api = createClient({ url: answer.http, token: ADMIN_TOKEN })
    await api('createOperator', { body: { ...PERSON, role: 'operator' } })
    const near = await paints(browser, answer.http, false)
    const far = await paints(browser, answer.http, true)
    // Windows beside each other: a tab behind another paints once in a second.
    const tabs = {
      overview: await openTab(await contextOf(browser, answer.http, true), '/'),
      devices: await openTab(await contextOf(browser, answer.http, true), '/devices'),
    }
    await tabs.devices.page.getByRole('row').nth(1).waitFor()
    await tabs.overview.page.getByText('In the field').waitFor()
    await setTimeout(LOOK_MS)
    const atFirst = await keptOf(tabs)
    const done: Pass[] = []
    for (let index = 1; index <= passes; index++) {
      done.push(await pass(api, answer.http, tabs, `${index + 1}.1.0`))
    }
    report({ near, far, atFirst, passes: done })
  } finally {
    await browser.close()
    await stop(child)
  }
} finally {
  await postgres.stop()
  rmSync(data, { recursive: true, force: true })
}

interface Results {
  readonly near: Record<string, Paint[]>
  readonly far: Record<string, Paint[]>
  readonly atFirst: Record<string, Kept>
  readonly passes: readonly Pass[]
}

function report(results: Results): void {
  if (options.json) {
    console.log(JSON.stringify({ benchmark: 'dashboard', machine: machine(), results }))
    return
  }
  console.log(printMachine(machine()))
  printPaints('this machine', results.near)
  printPaints('9 Mbit/s, 60 ms, a quarter of the processor', results.far)
  results.passes.forEach(({ moved, runs, kept, settledMs }, index) => {
    const { reports, seconds } = moved
    const perSecond = Math.round(reports / seconds)
    console.log(
      `\n  update ${index + 1} of ${devices} devices: ${reports} reports in ${seconds.toFixed(0)} s, ${perSecond} per second; both tabs agree after ${(settledMs / 1000).toFixed(1)} s`,
    )
    for (const [name, run] of Object.entries(runs)) printRun(name, run, seconds)
    for (const [name, after] of Object.entries(kept)) {
      printKept(name, results.atFirst[name] ?? after, after)
    }
  })
}

function printPaints(where: string, paints: Record<string, Paint[]>): void {
  console.log(`\n  first visit, ${where}; least / median / greatest`)
  for (const [name, found] of Object.entries(paints)) {
    const of = (figure: (paint: Paint) => number, digits = 0) =>
      printSpread(spreadOf(found.map(figure)), digits)
    console.log(
      `    ${name.padEnd(9)} first content ${of((each) => each.firstContentMs)} ms, largest ${of((each) => each.largestContentMs)} ms, ${of((each) => each.bytes / 1000)} kB, long tasks ${of((each) => each.longTaskMs)} ms, shift ${of((each) => each.layoutShift, 3)}`,
    )
  }
}

function printRun(name: string, run: Run, seconds: number): void {
  const { requests, mostRequestsInSecond, bytes, eventBytes, longTasks, longestTaskMs } = run
  console.log(
    `    ${name.padEnd(9)} ${(requests / seconds).toFixed(1)} requests per second (at most ${mostRequestsInSecond}), ${(bytes / seconds / 1000).toFixed(0)} kB per second (${(eventBytes / seconds / 1000).toFixed(0)} of events), frames ${run.frameP95Ms.toFixed(0)} ms at 95 %, ${run.frameLongestMs.toFixed(0)} ms at most; ${longTasks} long tasks, ${longestTaskMs.toFixed(0)} ms at most`,
  )
}

function printKept(name: string, before: Kept, after: Kept): void {
  console.log(
    `    ${name.padEnd(9)} heap ${before.heapMiB.toFixed(1)} → ${after.heapMiB.toFixed(1)} MiB, nodes ${before.nodes} → ${after.nodes}, listeners ${before.listeners} → ${after.listeners}`,
  )
}
