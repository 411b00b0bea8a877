/** `npm run shots`: every page of the dashboard into docs/images, with an invented fleet that is the same each time. */
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient, urlOf } from '@updraft/api/client'
import { ROUTES } from '@updraft/api/routes'
import { type Config, readConfig } from '@updraft/server/config'
import { startPlatform } from '@updraft/server/platform'
import pino from 'pino'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from './chromium.ts'
import { BEGIN, NOW, passwordOf } from './shots/fleet.ts'
import { smallPng } from './shots/small-png.ts'
import { liveThroughWeek } from './shots/week.ts'

const FOLDER = fileURLToPath(new URL('../docs/images/', import.meta.url))

const WINDOWS = [
  { suffix: '', width: 1440, height: 900, scheme: 'light' },
  { suffix: '-dark', width: 1440, height: 900, scheme: 'dark' },
  { suffix: '-phone', width: 390, height: 844, scheme: 'light' },
] as const

interface Shot {
  readonly name: string
  readonly path: string
  /** What is seen once the page is there, however narrow. */
  readonly words: string
  /** Who looks, if not the first administrator. */
  readonly person?: string
  readonly prepare?: (page: Page) => Promise<void>
}

async function main(only: readonly string[]): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'updraft-shots-'))
  // Run by root, the database has a user of its own, who must be able to come in.
  await chmod(data, 0o755)
  let now = BEGIN
  const clock = { now: () => now }
  const config = readConfig(
    ['--http-port', '0', '--mqtt-port', 'off', '--coap-port', 'off', '--data', data],
    {},
  ) as Config
  const log = pino({ level: 'warn' })
  const platform = await startPlatform({ config: { ...config, paceIntervalMs: 0 }, log, clock })
  const browser = await launchBrowser()
  try {
    const { http } = platform.endpoints
    const { firstSignIn } = platform
    if (!firstSignIn) throw new Error('The server is not a new one.')
    await liveThroughWeek(http, firstSignIn.token, (to) => {
      now = to
    })
    const shots = await shotsOf(http, firstSignIn.token)
    const wanted = shots.filter(({ name }) => only.length === 0 || only.includes(name))
    await mkdir(FOLDER, { recursive: true })
    const { name } = firstSignIn
    const cookies = new Map([[name, await signIn(http, firstSignIn)]])
    for (const { person } of wanted) {
      if (person === undefined || cookies.has(person)) continue
      const password = passwordOf(person)
      cookies.set(person, await signIn(http, { name: person, password }))
    }
    for (const window of WINDOWS) {
      for (const [person, cookie] of cookies) {
        const ofPerson = wanted.filter((shot) => (shot.person ?? name) === person)
        await take(browser, { url: http, cookie, window, shots: ofPerson })
      }
    }
    for (const file of await readdir(FOLDER)) {
      console.log(`${String((await stat(join(FOLDER, file))).size).padStart(8)}  ${file}`)
    }
  } finally {
    await browser.close()
    await platform.stop()
    await rm(data, { recursive: true, force: true })
  }
}

async function shotsOf(url: string, token: string): Promise<Shot[]> {
  const api = createClient({ url, token })
  const failed = (await api('listDevices', { query: { state: 'FAILED', limit: 100 } })).items
  const failedBecause = (code: string) => {
    const isSo = ({ components }: (typeof failed)[number]) =>
      Object.values(components).some(({ reason }) => reason.code === code)
    const device = failed.find(isSo)
    if (!device) throw new Error(`Of no device that failed it is said: ${code}.`)
    return `/devices/${device.id}`
  }
  const [release] = (
    await api('listReleases', { query: { title: 'gateway-image', sort: '-createdAt' } })
  ).items
  const [campaign] = (await api('listCampaigns', { query: { name: 'Camera 1.9' } })).items
  const [lamps] = (
    await api('listReleases', { query: { title: 'lamp-control', sort: '-createdAt' } })
  ).items
  const [profile] = (await api('listProfiles', { query: { name: 'Water meter' } })).items
  const [box] = (await api('listDevices', { query: { name: 'till-03' } })).items
  return [
    { name: 'sign-in', path: '/sign-in', words: 'Sign in to Updraft' },
    {
      name: 'overview',
      path: '/',
      words: 'meter-os',
      prepare: hasChart,
    },
    { name: 'devices', path: '/devices?sort=-lastSeenAt', words: 'gateway-' },
    {
      name: 'device',
      path: failedBecause('nothing.backing-off'),
      words: 'What it tells of itself',
    },
    {
      name: 'device-attention',
      path: failedBecause('nothing.needs-attention'),
      words: 'What it tells of itself',
    },
    {
      name: 'bulk',
      path: '/devices?search=gateway&sort=name',
      words: 'gateway-001',
      prepare: async (page) => {
        for (const row of [1, 2, 3])
          await page.getByLabel('Select', { exact: true }).nth(row).click()
        await page.getByRole('toolbar').waitFor()
      },
    },
    {
      name: 'import',
      path: '/devices?import=csv',
      words: 'Choose a CSV file',
      prepare: async (page) => {
        await page.locator('input[type=file]').setInputFiles(IMPORTED)
        await page.getByText('Devices in the file').or(page.getByText('Line 5')).first().waitFor()
      },
    },
    { name: 'packages', path: '/packages', words: 'gateway-image' },
    { name: 'package', path: `/packages/${release?.id}`, words: 'Where it is used' },
    { name: 'profiles', path: '/profiles', words: 'Gate camera' },
    { name: 'profile', path: `/profiles/${profile?.id}`, words: 'Self-enrolment' },
    { name: 'package-add', path: '/packages?add=file', words: 'All but the description' },
    { name: 'campaigns', path: '/campaigns', words: 'Camera 1.9' },
    { name: 'campaign', path: `/campaigns/${campaign?.id}`, words: 'Wave 2' },
    { name: 'campaign-new', path: '/campaigns/new', words: 'Release' },
    { name: 'policies', path: '/policies', words: 'lamp-control' },
    { name: 'policy', path: `/policies/${lamps?.id}`, words: 'street-lamp-0' },
    { name: 'groups', path: '/groups', words: 'Gateways with room' },
    { name: 'boxes', path: '/boxes', words: 'till-01' },
    { name: 'box', path: `/boxes/${box?.id}`, words: 'Plugged in' },
    { name: 'audit', path: '/audit', words: ' ago' },
    { name: 'settings', path: '/settings/people', words: 'mira' },
    { name: 'settings-customers', path: '/settings/customers', words: 'City Library' },
    { name: 'settings-updates', path: '/settings/updates', words: 'Silence deadline' },
    { name: 'settings-tokens', path: '/settings/tokens', words: 'token' },
    { name: 'customer', path: '/', words: 'meter-os', person: 'lena', prepare: hasChart },
    { name: 'customer-devices', path: '/devices', words: 'gateway-', person: 'lena' },
    { name: 'start', path: '/start', words: 'Drop a file' },
    {
      name: 'search',
      path: '/devices',
      words: 'gate-camera-001',
      prepare: async (page) => {
        await page.keyboard.press('Control+k')
        await page.getByRole('textbox', { name: 'Search everything' }).fill('meter')
        await page
          .getByRole('option', { name: /meter-os/ })
          .first()
          .waitFor()
      },
    },
  ]
}

const hasChart = (page: Page) => page.locator('.bars-steps li > div').first().waitFor()

/** A list of devices as somebody wrote it by hand. */
const IMPORTED = {
  name: 'new-gateways.csv',
  mimeType: 'text/csv',
  buffer: Buffer.from(
    [
      'name,profile,labels,token,certificate',
      'gateway-025,Gateway,roof;beta,,',
      'gateway-026,Gateway,basement,gw-26-3f9c,',
      'gateway-027,Gateway,,,MIIB',
      'gateway-025,Gateway,,,',
      ',Gateway,roof,,',
      'gateway-028,Gateway,roof,,',
    ].join('\n'),
  ),
}

/** Its cookie would have ended long ago by the browser's own clock; without an end it lasts. */
async function signIn(url: string, { name, password }: { name: string; password: string }) {
  const answer = await fetch(new URL(urlOf(ROUTES.signIn), url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password }),
  })
  const [pair = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
  const [key = '', value = ''] = pair.split('=')
  return { name: key, value, url }
}

async function take(
  browser: Browser,
  {
    url,
    cookie,
    window: { suffix, width, height, scheme },
    shots,
  }: {
    url: string
    cookie: { name: string; value: string; url: string }
    window: (typeof WINDOWS)[number]
    shots: readonly Shot[]
  },
): Promise<void> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
    locale: 'en-GB',
  })
  await context.addCookies([cookie])
  for (const { name, path, words, prepare } of shots) {
    const page = await context.newPage()
    await page.clock.setFixedTime(NOW)
    await page.goto(path)
    await page.getByText(words).first().waitFor()
    await page.locator('.mantine-Skeleton-root').first().waitFor({ state: 'detached' })
    if (path !== '/sign-in') await page.locator('[data-line=live]').waitFor()
    await prepare?.(page)
    const png = await page.screenshot({ animations: 'disabled' })
    await writeFile(join(FOLDER, `${name}${suffix}.png`), smallPng(png))
    await page.close()
  }
  await context.close()
}

await main(process.argv.slice(2))
