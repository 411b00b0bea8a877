/** A dashboard for the stories of one file: started before them, stopped after, with somebody at it. */
import type { Role } from '@updraft/core'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type DashboardPlatform, dashboardPlatform, type Person, type Window } from './browser.ts'
import { runs, type TestDevice, testDevice } from './device.ts'

export interface Stage {
  readonly platform: DashboardPlatform
  readonly ada: Person
  /** A window of Ada's, in a browser of its own. */
  open(path: string, window?: Window): Promise<Page>
  /** Devices of that profile, named after it, that run version 1 and are assigned none of the others. */
  fleet(profile: string, size: number, versions?: readonly string[]): Promise<Fleet>
  devicePath(name: string): Promise<string>
  profilePath(name: string): Promise<string>
}

export interface Fleet {
  readonly devices: readonly TestDevice[]
  assign(version: string): Promise<void>
}

/** Ada has that role. What is prepared is there before the first story. */
export function dashboardStage(
  role: Role,
  prepare: (stage: Stage) => Promise<unknown> = async () => {},
): Stage {
  let platform: DashboardPlatform | undefined
  let ada: Person | undefined
  const started = <T>(thing: T | undefined): T => {
    if (thing === undefined) throw new Error('The dashboard has not been started yet.')
    return thing
  }
  const stage: Stage = {
    get platform() {
      return started(platform)
    },
    get ada() {
      return started(ada)
    },
    open: (path, window) => stage.platform.browser.openAs(stage.ada, path, window),
    fleet: (profile, size, versions = []) => fleet(stage.platform, { profile, size, versions }),
    devicePath: async (name) => `/devices/${(await stage.platform.device(name)).id}`,
    profilePath: async (name) => {
      const { items } = await stage.platform.api('listProfiles', { query: { name } })
      return `/profiles/${started(items[0]).id}`
    },
  }
  beforeAll(async () => {
    platform = await dashboardPlatform()
    ada = await platform.person('ada', role)
    await prepare(stage)
  })
  afterEach(() => platform?.browser.closeAll())
  afterAll(() => platform?.stop())
  return stage
}

async function fleet(
  platform: DashboardPlatform,
  { profile, size, versions }: { profile: string; size: number; versions: readonly string[] },
): Promise<Fleet> {
  await platform.addProfile(profile)
  const releases = new Map<string, string>()
  for (const version of versions) {
    const bytes = new TextEncoder().encode(`${profile} ${version}`)
    releases.set(version, await platform.addRelease({ title: profile, version, profile, bytes }))
  }
  const devices: TestDevice[] = []
  for (let n = 1; n <= size; n += 1) {
    const device = testDevice(platform.url, await platform.addDevice(`${profile}-${n}`, profile))
    await device.offers(runs(`${profile}@1`))
    devices.push(device)
  }
  return {
    devices,
    assign: (version) => platform.assign(releases.get(version) ?? '', { profile }),
  }
}

/** The device takes what it is offered, says those states, and last of all why it failed if it did. */
export async function advance(
  device: TestDevice | undefined,
  states: readonly (string | object)[],
  error?: string,
): Promise<void> {
  const offer = await device?.offer()
  const say = (words: object) => device?.report(offer?.operation ?? '', words)
  for (const state of states) await say(typeof state === 'string' ? { state } : state)
  if (error) await say({ state: 'FAILED', error })
}

/** Chooses in the list of that name; of two the one on top, which stands last. */
export async function choose(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole('combobox', { name: label }).last().click()
  await page.getByRole('option', { name: option, exact: true }).click()
}

/** Once the page hears of what happens. */
export const isLive = (page: Page): Promise<void> =>
  page
    .getByRole('status')
    .filter({ hasText: /^live$/ })
    .waitFor()

/** That those rows are there, and no others of names that begin so. */
export const seen = (page: Page, beginning: string, names: readonly string[]): Promise<void> =>
  expect.poll(() => page.getByRole('row').getByText(beginning).allInnerTexts()).toEqual(names)
