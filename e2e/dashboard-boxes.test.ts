/** Boxes in the dashboard: where they come in, how they stand, what is set for them, and what they log. */
import { archiveOf } from '@updraft/server/dialects/odoo-iot/testing/archive'
import type { RegisterResponse } from '@updraft/wire/updraft'
import { describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { choose, dashboardStage, type Stage, seen } from './dashboard.ts'

const FAILED = { file: 'drivers/drawer.py', state: 'failed', error: 'no module named serial' }

/** As a box of ours tells it. */
const facts = (handlers: readonly object[] = []) => ({
  identifier: 'b0c4',
  hostName: 'till',
  ip: '192.0.2.9',
  platform: 'L',
  box: {
    kind: 'virtual',
    homePort: 8069,
    layers: {
      handlers: {
        active: { title: 'handlers', version: '1' },
        previous: { title: 'handlers', version: '0.9' },
        result: { kind: 'updated', at: '2026-11-20T10:00:00Z', because: null },
        details: {
          handlers: [
            {
              file: 'drivers/scale.py',
              state: 'running',
              devices: [{ id: 'usb-1', name: 'Scale', type: 'scale', connection: 'usb' }],
            },
            ...handlers,
          ],
        },
      },
      image: { refusal: { because: 'This box is virtual.', instead: 'Update its machine.' } },
    },
  },
})

describe.skipIf(!hasBrowser)('boxes', () => {
  const stage = dashboardStage('tenant-administrator', fill)

  const post = async (path: string, body: object, token?: string) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${stage.platform.url}${path}`, {
      method: 'POST',
      headers: token ? { ...headers, authorization: `Bearer ${token}` } : headers,
      body: JSON.stringify(body),
    })
    expect(answer.ok).toBe(true)
    return answer.json()
  }
  /** One of ours registers, and says what it runs. */
  const comes = async (id: string, handlers: readonly object[] = []) => {
    const said = { key: 'key of Till', id, facts: facts(handlers) }
    const { token } = (await post('/device/v1/register', said)) as RegisterResponse
    const installed = {
      handlers: { title: 'handlers', version: '1' },
      code: { title: 'code', version: '17.0#1a2b3c4' },
    }
    const checkIn = (more: object = {}) =>
      post('/device/v1/check-in', { installed, facts: facts(handlers), ...more }, token)
    await checkIn()
    return { token, checkIn }
  }
  /** One of Odoo's announces itself. */
  const announces = (mac: string, version = 'L24.10-18.0#1a2b3c4') =>
    post('/iot/setup', {
      params: {
        iot_box: {
          name: 'kitchen',
          ip: '192.0.2.7',
          token: 'key of Till',
          identifier: mac,
          version,
        },
        devices: { 'usb:04b8': { name: 'TM-T20', type: 'printer' } },
      },
    })
  const path = async (name: string) => `/boxes/${(await stage.platform.device(name)).id}`
  const formOf = async (name: string) => {
    const { id } = await stage.platform.device(name)
    return (await stage.platform.api('showBox', { params: { id } })).form
  }

  test('are taken where a profile says so, and the tokens for them stand there', async () => {
    await stage.platform.addProfile('Counter')
    const page = await stage.open(await stage.profilePath('Counter'))
    const profile = page.getByRole('dialog', { name: 'Counter' })
    await profile.getByRole('button', { name: 'Take boxes' }).click()
    const dialog = page.getByRole('dialog', { name: 'Boxes of Counter' })
    await dialog.getByLabel('Address').fill('https://counter.example/iot')
    await dialog.getByLabel('Series').fill('18.0')
    await dialog.getByRole('button', { name: 'Take boxes' }).click()
    await page.getByText('leave out what comes after it').waitFor()
    await dialog.getByLabel('Address').fill('https://counter.example')
    await dialog.getByRole('button', { name: 'Take boxes' }).click()
    await profile.getByText('Boxes cannot come yet').waitFor()
    const { items } = await stage.platform.api('listProfiles', { query: { name: 'Counter' } })
    await stage.platform.api('enableProvisioning', {
      params: { id: items[0]?.id ?? '' },
      body: { key: 'key-of-counter' },
    })
    await profile.getByRole('button', { name: 'Copy token for boxes from 18.0 on' }).waitFor()
    await profile.getByText('https://counter.example|key-of-counter').waitFor()
  })

  test('ours and Odoo’s stand in one list, and are found by what they are and how they are set', async () => {
    await comes('list-own')
    await comes('list-broken', [FAILED])
    await announces('02:00:00:00:00:01')
    await announces('02:00:00:00:00:02')
    const { id } = await stage.platform.device('02:00:00:00:00:02')
    const { form } = await stage.platform.api('showBox', { params: { id } })
    const off = { ...form, automaticDriversUpdate: false }
    await stage.platform.api('setBoxForm', { params: { id }, body: off })
    await stage.platform.addDevice('list-no-box', 'Till')
    const page = await stage.open('/boxes')
    await page.getByRole('row', { name: /list-broken.*needs attention/ }).waitFor()
    await page.getByRole('row', { name: /02:00:00:00:00:01.*Odoo.*18\.0#1a2b3c4/ }).waitFor()
    await page
      .getByRole('row', { name: /list-own.*17\.0#1a2b3c4.*to follow series 18\.0/ })
      .waitFor()
    await seen(page, 'list-', ['list-broken', 'list-own'])
    await choose(page, 'Kind', 'Odoo’s')
    await expect.poll(() => page.getByText('list-own').count()).toBe(0)
    await choose(page, 'Set', 'drivers by the button only')
    await expect
      .poll(() => page.getByRole('row').getByText('02:00').allInnerTexts())
      .toEqual(['02:00:00:00:00:02'])
    await page.getByLabel('Search boxes').fill('no such box')
    await page.getByText('No box is like that').waitFor()
  })

  test('each tells its layers, its handlers with what is wrong, and what is plugged in', async () => {
    await comes('page-broken', [FAILED])
    const page = await stage.open(await path('page-broken'))
    const box = page.getByRole('dialog', { name: 'page-broken' })
    await box.getByText('drivers/drawer.py does not load: no module named serial').waitFor()
    await box.getByText('It is to follow series 18.0, and runs 17.0.').waitFor()
    await box.getByText('This box is virtual. Update its machine.').waitFor()
    await box.getByText('Scale', { exact: true }).first().waitFor()
    await box.getByText('virtual: a program on a machine').waitFor()
    expect(await box.getByRole('link', { name: '192.0.2.9:8069' }).getAttribute('href')).toBe(
      'http://192.0.2.9:8069',
    )
    await box.getByRole('tab', { name: 'About' }).click()
    await box.getByText('Credentials').waitFor()
    expect(new URL(page.url()).searchParams.get('tab')).toBe('about')
    await box.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('row', { name: /page-broken/ }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/boxes')
  })

  test('one is asked to load its handlers and to restart, is told when it comes, and has done it', async () => {
    const { checkIn } = await comes('asked')
    const page = await stage.open(await path('asked'))
    const box = page.getByRole('dialog', { name: 'asked' })
    await box.getByRole('button', { name: 'Load handlers' }).click()
    await box.getByText(/Load handlers asked .*, not told yet/).waitFor()
    await box.getByRole('button', { name: 'Restart' }).click()
    await page.getByRole('button', { name: 'Restart it' }).click()
    await box.getByText(/Restart asked .*, not told yet/).waitFor()
    const { wishes } = (await checkIn()) as { wishes: { id: string; kind: string }[] }
    expect(wishes.map(({ kind }) => kind).sort()).toEqual(['load-handlers', 'restart'])
    await box.getByText(/Restart asked .*, told .*, not done yet/).waitFor()
    await checkIn({ done: wishes.map(({ id }) => id) })
    await box
      .getByText(/asked .*, told/)
      .first()
      .waitFor({ state: 'detached' })
  })

  test('an older one of Odoo’s says that it cannot be told to', async () => {
    await announces('02:00:00:00:00:14', '21.04')
    const page = await stage.open(await path('02:00:00:00:00:14'))
    await page.getByText('Boxes before 18.3 cannot be told to').waitFor()
    expect(await page.getByRole('button', { name: 'Restart' }).isDisabled()).toBe(true)
  })

  test('what is set for one is changed in one form, and a mistake in it is told where it is', async () => {
    await comes('form')
    const page = await stage.open(await path('form'))
    await page.getByRole('button', { name: 'Change' }).click()
    const form = page.getByRole('dialog', { name: 'What is set for form' })
    await form.getByLabel('Automatic drivers update').click({ force: true })
    await form.getByLabel('Hold').click({ force: true })
    expect(await form.getByRole('button', { name: 'Set it' }).isDisabled()).toBe(true)
    await form.getByLabel('Reason').fill('Stocktaking')
    await form.getByLabel('Maintenance windows').fill('at night')
    await form.getByText('"at night" cannot be read').waitFor()
    await form.getByLabel('Maintenance windows').fill('Mon-Fri 22:00-04:00 Europe/Berlin')
    await form.getByText('Monday to Friday, 22:00 to 04:00 the day after').waitFor()
    await form.getByRole('textbox', { name: 'Code: channel' }).fill('beta')
    await form.getByRole('radiogroup', { name: 'Image: updates' }).getByText('Automatic').click()
    await form.getByText('This server').click()
    await form.getByRole('button', { name: 'Set it' }).click()
    await page.getByRole('dialog', { name: 'form', exact: true }).getByText('Held.').waitFor()
    expect(await formOf('form')).toEqual({
      automaticDriversUpdate: false,
      hold: { reason: 'Stocktaking', until: null },
      windows: 'Mon-Fri 22:00-04:00 Europe/Berlin',
      layers: {
        handlers: { channel: 'stable', updates: 'automatic' },
        code: { channel: 'beta', updates: 'automatic' },
        image: { channel: 'stable', updates: 'automatic' },
      },
      codeFrom: 'server',
    })
  })

  test('of two who set it at once, the second is told', async () => {
    await comes('twice')
    const page = await stage.open(await path('twice'))
    await page.getByRole('button', { name: 'Change' }).click()
    const form = page.getByRole('dialog', { name: 'What is set for twice' })
    await form.getByLabel('Automatic drivers update').click({ force: true })
    const { id } = await stage.platform.device('twice')
    const other = { ...(await formOf('twice')), windows: '01:00-05:00' }
    await stage.platform.api('setBoxForm', { params: { id }, body: other })
    await form.getByRole('button', { name: 'Set it' }).click()
    await page.getByText('The device was changed by someone else meanwhile.').waitFor()
    expect((await formOf('twice')).automaticDriversUpdate).toBe(true)
  })

  test('several are held, and released, at once', async () => {
    for (const n of [1, 2]) await comes(`many-${n}`)
    const page = await stage.open('/boxes?search=many-')
    await seen(page, 'many-', ['many-1', 'many-2'])
    const all = page.getByRole('checkbox').first()
    await all.click()
    await page.getByRole('toolbar').getByRole('button', { name: 'Hold' }).click()
    const dialog = page.getByRole('dialog', { name: 'Hold 2 boxes' })
    await dialog.getByLabel('Reason').fill('Sale')
    await dialog.getByRole('button', { name: 'Hold them' }).click()
    await page.getByRole('row', { name: /many-1.*held/ }).waitFor()
    await page.getByRole('row', { name: /many-2.*held/ }).waitFor()
    expect((await formOf('many-2')).hold).toEqual({ reason: 'Sale', until: null })
    await all.click()
    await page.getByRole('toolbar').getByRole('button', { name: 'Release' }).click()
    await page.getByRole('row', { name: /many-1.*automatic/ }).waitFor()
    await expect.poll(async () => (await formOf('many-2')).hold).toBeNull()
  })

  test('what one logs is read, searched, and followed as it comes', async () => {
    const { token } = await comes('logs')
    const log = (sequence: number, level: string, message: string) =>
      post(
        '/device/v1/log',
        { lines: [{ sequence, at: new Date().toISOString(), level, message }] },
        token,
      )
    await log(1, 'info', 'the scale is there')
    await log(2, 'error', 'the scale is gone')
    const page = await stage.open(`${await path('logs')}?tab=log`)
    const lines = page.getByRole('list', { name: 'Log' }).getByRole('listitem')
    await expect.poll(() => lines.count()).toBe(2)
    await choose(page, 'Level', 'errors only')
    await expect.poll(() => lines.count()).toBe(1)
    await log(3, 'error', 'the drawer is stuck')
    await lines.getByText('the drawer is stuck').waitFor()
    await page.getByLabel('Search the log').fill('scale')
    await expect
      .poll(() => lines.allInnerTexts())
      .toEqual([expect.stringContaining('the scale is gone')])
  })

  test('what a package needs of other components is said when it is added, and stands on its page', async () => {
    const page = await stage.open('/packages?add=file')
    const dialog = page.getByRole('dialog', { name: 'Add a package' })
    const buffer = await archiveOf({ 'drivers/scale.py': 'scale' })
    const file = { name: 'needy-2.0.0.zip', mimeType: 'application/zip', buffer }
    await dialog.locator('input[type=file]').setInputFiles(file)
    await dialog.getByText('It is on the server').waitFor()
    await choose(page, 'Profile', 'Till')
    await dialog.getByRole('combobox', { name: 'Type' }).fill('handlers')
    await page.keyboard.press('Tab')
    await dialog.getByRole('button', { name: 'More' }).click()
    await dialog.getByRole('button', { name: 'Add a need' }).click()
    await dialog.getByRole('combobox', { name: 'Need 1: component' }).fill('image')
    await page.keyboard.press('Tab')
    await dialog.getByRole('textbox', { name: 'Need 1: version' }).fill('the newest')
    await dialog.getByRole('button', { name: 'Add the package' }).click()
    await dialog.getByRole('alert').getByText('the newest').waitFor()
    await dialog.getByRole('textbox', { name: 'Need 1: version' }).fill('>= 24.10')
    await dialog.getByRole('button', { name: 'Add the package' }).click()
    const release = page.getByRole('dialog', { name: 'needy 2.0.0' })
    await release.getByText('image >= 24.10').waitFor()
  })

  test('fit a phone', async () => {
    await comes('phone', [FAILED])
    const page = await stage.open(await path('phone'), { width: 390, height: 844 })
    await page.getByText('drivers/drawer.py does not load').waitFor()
    for (const tab of ['Box', 'Updates', 'Log', 'About']) {
      await page.getByRole('tab', { name: tab }).click()
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
      const body = page.locator('.detail-body')
      expect(await body.evaluate((each) => each.scrollWidth - each.clientWidth)).toBe(0)
    }
  })
})

/** A profile whose boxes come by themselves. */
async function fill({ platform }: Stage): Promise<void> {
  const id = await platform.addProfile('Till')
  const body = { key: 'key of Till', claimsAtOnce: true }
  await platform.api('enableProvisioning', { params: { id }, body })
  const server = { url: platform.url, series: '18.0' }
  await platform.api('setBoxServer', { params: { id }, body: server })
}
