/** No page keeps anybody out: axe looks at each of them, in light and in dark. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { advance, choose, dashboardStage, type Stage } from './dashboard.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const GRAVE = new Set(['serious', 'critical'])

describe.skipIf(!hasBrowser)('in light and in dark', () => {
  const stage = dashboardStage('system-administrator', fill)
  let axe: string
  beforeAll(async () => {
    axe = await readFile(AXE, 'utf8')
  })

  /** What is grave on the page as it stands, as `scheme rule: the elements`. */
  const grave = async (page: Page) => {
    await page.evaluate(axe)
    const found: string[] = []
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor()
      // Colours that are still on their way from one scheme to the other are nobody's fault.
      await page.evaluate(
        'Promise.allSettled(document.getAnimations().map(({ finished }) => finished))',
      )
      const { violations } = (await page.evaluate(
        "axe.run(document, { resultTypes: ['violations'] })",
      )) as AxeResults
      for (const { id, impact, nodes } of violations) {
        if (!GRAVE.has(impact ?? '')) continue
        found.push(`${scheme} ${id}: ${nodes.map(({ html }) => html).join('\n')}`)
      }
    }
    return found
  }

  test('nothing is grave at the sign-in', async () => {
    const page = await stage.platform.browser.open('/sign-in')
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(await grave(page)).toEqual([])
  })

  test.each([
    ['/', 'In the field'],
    ['/start', 'Drop a file'],
    ['/devices', 'lamp-4'],
    ['/devices?add=lamp', 'Labels'],
    ['/waiting', 'LAMP-NEW'],
    ['/waiting?add=device', 'local.json5'],
    ['/packages', '2.0.0'],
    ['/packages?add=file', 'Add a package'],
    ['/campaigns', 'lamps by and by'],
    ['/campaigns/new', 'All devices'],
    ['/policies', '"beta" in labels'],
    ['/groups', 'Beta'],
    ['/groups?add=groups', 'All devices'],
    ['/groups?part=channels', 'Early'],
    ['/groups?part=models', 'Board'],
    ['/groups?part=models&add=models', 'Part numbers'],
    ['/groups?part=hardware', 'No hardware types yet'],
    ['/profiles', '2.0.0'],
    ['/profiles?add=profile', 'Description'],
    ['/boxes', 'BOX-1'],
    ['/audit', 'ada'],
    ['/settings', 'Role'],
    ['/settings/tokens', 'token'],
    ['/settings/updates', 'seconds'],
    ['/settings/people', 'ada'],
    ['/settings/customers', 'customer'],
    ['/settings/clouds', 'Frankfurt'],
    ['/settings/realm', 'Pairing URL'],
    ['/settings/tenants', 'tenant'],
    ['/no-such-place', 'To the overview'],
  ])('nothing is grave at %s', async (path, words) => {
    const page = await stage.open(path)
    await page.getByText(words).first().waitFor()
    expect(await grave(page)).toEqual([])
  })

  test('nothing is grave in the details of a device, a package, a profile, a campaign, a policy, a group and a channel', async () => {
    const [release] = (await stage.platform.api('listReleases', {})).items
    const [profile] = (await stage.platform.api('listProfiles', {})).items
    const [campaign] = (await stage.platform.api('listCampaigns', {})).items
    const [group] = (await stage.platform.api('listGroups', {})).items
    const [channel] = (await stage.platform.api('listChannels', {})).items
    const { id } = await stage.platform.device('lamp-4')
    const page = await stage.open('/')
    for (const [path, words] of [
      [`/devices/${id}`, 'has not fetched a certificate'],
      [`/packages/${release?.id}`, 'Checksum'],
      [`/profiles/${profile?.id}`, 'Assigned'],
      [`/campaigns/${campaign?.id}`, 'Wave 2'],
      [`/policies/${release?.id}`, 'at most'],
      [`/groups/${group?.id}`, 'lamp-4'],
      [`/groups/channel/${channel?.id}`, 'lamp-4'],
    ] as const) {
      await page.goto(path)
      await page.getByRole('dialog').getByText(words).first().waitFor()
      expect(await grave(page), path).toEqual([])
    }
  })

  test.each([
    ['', 'does not load'],
    ['?tab=log', 'the drawer is stuck'],
  ])('nothing is grave in the details of a box%s', async (tab, words) => {
    const { id } = await stage.platform.device('BOX-1')
    const page = await stage.open(`/boxes/${id}${tab}`)
    await page.getByRole('dialog').getByText(words).first().waitFor()
    expect(await grave(page)).toEqual([])
  })

  test('nothing is grave in what is set for a box, with a mistake', async () => {
    const { id } = await stage.platform.device('BOX-1')
    const page = await stage.open(`/boxes/${id}`)
    await page.getByRole('button', { name: 'Change' }).click()
    const dialog = page.getByRole('dialog', { name: 'What is set for BOX-1' })
    await dialog.getByLabel('Maintenance windows').fill('at night')
    await dialog.getByText('cannot be read').waitFor()
    expect(await grave(page)).toEqual([])
  })

  test('nothing is grave while a package is added, with a caution and a refusal', async () => {
    const page = await stage.open('/packages?add=file')
    const dialog = page.getByRole('dialog')
    const buffer = Buffer.from('lamp 2.0.0')
    const file = { name: 'lamp & fw-2.0.0.bin', mimeType: 'text/plain', buffer }
    await dialog.locator('input[type=file]').setInputFiles(file)
    await dialog.getByText('It is on the server').waitFor()
    await choose(page, 'Profile', 'lamp')
    await dialog.getByRole('button', { name: 'More' }).click()
    await dialog.getByLabel('Its value').fill('0'.repeat(64))
    await dialog.getByRole('button', { name: 'Add the package' }).click()
    await dialog.getByText(/SHA256 is/).waitFor()
    expect(await grave(page)).toEqual([])
  })

  test('nothing is grave on the way to a campaign, with a mistake, its settings and its dry run', async () => {
    const page = await stage.open('/campaigns/new')
    await choose(page, 'Release', 'lamp 2.0.0')
    const expression = page.getByRole('textbox', { name: 'Expression' })
    await expression.fill('"beta" in lables')
    await page.getByText('column').waitFor()
    expect(await grave(page)).toEqual([])
    await expression.fill('true')
    await page.getByText('6 devices', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Waves of your own').click()
    await page.getByText('Wave 3').waitFor()
    expect(await grave(page)).toEqual([])
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('row', { name: /lamp-4/ }).waitFor()
    expect(await grave(page)).toEqual([])
  })

  test('nothing is grave while a policy is written, with a mistake, a warning and a trial', async () => {
    const page = await stage.open('/policies/new')
    await choose(page, 'Release', 'lamp 2.0.0')
    const expression = page.getByRole('textbox', { name: 'Expression' })
    await expression.fill('device.region == verzion')
    await page.getByText('column').waitFor()
    expect(await grave(page)).toEqual([])
    await expression.fill('name.startsWith("lamp")')
    await page.getByText(/unless a downgrade is meant/).waitFor()
    await page.getByRole('button', { name: 'lamp-4' }).click()
    await page.getByText('holds', { exact: true }).waitFor()
    expect(await grave(page)).toEqual([])
  })

  test('nothing is grave in the search', async () => {
    const page = await stage.open('/devices')
    await page.getByText('lamp-4').waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('textbox', { name: 'Search everything' }).fill('lamp')
    await page.getByRole('option', { name: /lamp-4/ }).waitFor()
    expect(await grave(page)).toEqual([])
  })
})

/** Devices in several states, so that each of them is seen. */
async function fill({ platform, fleet }: Stage): Promise<void> {
  const { devices, assign } = await fleet('lamp', 5, ['2.0.0'])
  await assign('2.0.0')
  const [, second, third, fourth, fifth] = devices
  await advance(second, [{ state: 'DOWNLOADING', progress: 40 }])
  await advance(third, ['UPDATING'])
  await advance(fourth, [], 'no room on the flash')
  await advance(fifth, ['UPDATED'])
  const { id } = await platform.device('lamp-4')
  await platform.api('changeDevice', { params: { id }, body: { labels: ['beta'] } })
  const expression = '"beta" in labels'
  const group = { name: 'Beta', handle: 'beta', expression }
  const { id: groupId } = await platform.api('createGroup', { body: group })
  const channel = { name: 'Early', handle: 'early', groupIds: [groupId] }
  await platform.api('createChannel', { body: channel })
  const model = { name: 'Board', handle: 'board', partNumbers: ['LB-7'] }
  await platform.api('createSystemModel', { body: model })
  const [release] = (await platform.api('listReleases', {})).items
  const limits = { maxDevices: 2, rate: 1, periodSeconds: 3600 }
  const body = { expression: '"beta" in labels', limits }
  await platform.api('putPolicy', { params: { id: release?.id ?? '' }, body })
  await platform.api('createCloud', { body: { name: 'eu', region: 'Frankfurt' } })
  const [profile] = (await platform.api('listProfiles', {})).items
  await platform.api('setRealm', { body: { name: 'lamps', profileId: profile?.id ?? '' } })
  await platform.api('pairDevice', { params: { id }, body: { astarteId: 'A'.repeat(22) } })
  const key = 'the key of lamps'
  await platform.api('enableProvisioning', { params: { id: profile?.id ?? '' }, body: { key } })
  await fetch(`${platform.url}/ioto/device/register`, {
    method: 'POST',
    headers: { authorization: `bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'LAMP-NEW', product: key, model: 'L-7' }),
  })
  const server = { url: 'https://boxes.example', series: '18.0' }
  await platform.api('setBoxServer', { params: { id: profile?.id ?? '' }, body: server })
  await fillBox(await platform.addDevice('BOX-1', 'lamp'), platform.url)
  const wave = { size: { count: 1 }, soakSeconds: 3600, needsApproval: true }
  await platform.api('createCampaign', {
    body: {
      name: 'lamps by and by',
      releaseId: release?.id ?? '',
      audience: { expression: 'true' },
      settings: { waves: [wave] },
    },
  })
}

async function fillBox(token: string, url: string): Promise<void> {
  const handlers = ['running', 'starting', 'failed', 'ended'].map((state) => ({
    file: `drivers/${state}.py`,
    state,
    error: state === 'failed' ? 'no module named serial' : null,
    devices: [{ id: `usb-${state}`, name: 'Scale', type: 'scale' }],
  }))
  const layers = {
    handlers: { result: { kind: 'rolled-back' }, details: { handlers } },
    image: { refusal: { because: 'This box is virtual.', instead: 'Update its machine.' } },
  }
  const facts = { ip: '192.0.2.9', box: { kind: 'virtual', homePort: 8069, layers } }
  const lines = ['debug', 'info', 'warn', 'error'].map((level, sequence) => ({
    sequence,
    at: '2026-11-21T20:00:00Z',
    level,
    message: 'the drawer is stuck',
  }))
  for (const [path, body] of [
    ['check-in', { installed: { code: { version: '17.0#1a2b3c4' } }, facts }],
    ['log', { lines }],
  ] as const) {
    await fetch(`${url}/device/v1/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }
}
