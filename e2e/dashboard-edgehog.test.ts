/** Devices of Edgehog at the dashboard: from a realm that is not there to an update that is cancelled on the device. */
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { AstarteDevice, type Realm } from './astarte-device.ts'
import { hasBrowser } from './browser.ts'
import { choose, dashboardStage } from './dashboard.ts'

const FIRST = 'ABEiM0RVZneImaq7zN3u_w'

describe.skipIf(!hasBrowser)('Edgehog at the dashboard', () => {
  const stage = dashboardStage('tenant-administrator', async ({ platform }) => {
    await platform.addProfile('gateway')
    await platform.addProfile('lamp')
  })

  const realmOf = async (): Promise<Realm> => {
    const { token } = await stage.platform.api('createAgentToken', { body: {} })
    return { url: `${stage.platform.url}/pairing`, realm: 'acme', agentToken: token }
  }
  /** Paired, connected, and has told what it is. */
  const introduced = async () => {
    const device = await AstarteDevice.paired(await realmOf())
    await device.connect()
    await device.introduce()
    await stage.platform.until(
      device.id,
      ({ installed }) => installed.firmware?.version === '1.0.0',
    )
    return device
  }

  test('without a realm it says what one is for, and it is made there', async () => {
    const page = await stage.open('/settings/realm')
    await page.getByText('No realm yet').waitFor()
    await page.getByRole('button', { name: 'Make the realm' }).click()
    const dialog = page.getByRole('dialog', { name: 'Make the realm' })
    const verb = dialog.getByRole('button', { name: 'Make the realm' })
    await dialog.getByLabel('Name').fill('Acme-1')
    await choose(page, 'Profile of new devices', 'gateway')
    await dialog.getByText('Small letters and digits only').waitFor()
    expect(await verb.isDisabled()).toBe(true)
    await dialog.getByLabel('Name').fill('acme')
    await verb.click()
    await page.getByRole('heading', { name: 'Realm acme' }).waitFor()
    await page.getByText(`${stage.platform.url}/pairing`, { exact: true }).waitFor()
    await page.getByText(/^mqtts:\/\/[^:]+:\d+$/).waitFor()
  })

  test('a token of agents is shown once, and registers devices of its profile', async () => {
    const page = await stage.open('/settings/realm')
    await page.getByRole('button', { name: 'Make an agent token' }).click()
    await choose(page, 'Profile of the devices it registers', 'lamp')
    await page.getByLabel('Good for').fill('30')
    await page.getByRole('button', { name: 'Make the token' }).click()
    const dialog = page.getByRole('dialog', { name: 'Agent token' })
    const agentToken = (await dialog.locator('code').textContent()) ?? ''
    await dialog.getByText(/registers devices in acme as lamp/).waitFor()
    const { url, realm } = await realmOf()
    const device = new AstarteDevice({ url, realm, agentToken })
    expect((await device.register()).status).toBe(201)
    const made = await stage.platform.device(device.id)
    expect(made).toMatchObject({ profile: 'lamp' })
    await stage.platform.api('removeDevice', { params: { id: made.id } })
    await dialog.getByRole('button', { name: 'I have it' }).click()
    expect(await page.getByText(agentToken).count()).toBe(0)
  })

  test('the authority of devices is a file to be had', async () => {
    const page = await stage.open('/settings/realm')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'device-authority.pem' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('device-authority.pem')
  })

  test('a key from elsewhere is added and removed, and what is none is refused in words', async () => {
    const { publicKey } = await stage.platform.api('showRealm', {})
    const page = await stage.open('/settings/realm')
    await page.getByRole('button', { name: 'Add a key' }).click()
    const dialog = page.getByRole('dialog', { name: 'Add a key' })
    await dialog.getByLabel('Name').fill('old cluster')
    await dialog.getByLabel('Public key').fill('no key at all')
    await dialog.getByRole('button', { name: 'Add the key' }).click()
    await page.getByText('Not done').waitFor()
    const buffer = Buffer.from(publicKey)
    const file = { name: 'realm.pem', mimeType: 'application/x-pem-file', buffer }
    await dialog.locator('input[type=file]').setInputFiles(file)
    await dialog.getByRole('button', { name: 'Add the key' }).click()
    await page.getByRole('button', { name: 'Remove old cluster' }).click()
    await page.getByRole('button', { name: 'Remove the key' }).click()
    await page.getByRole('button', { name: 'Remove old cluster' }).waitFor({ state: 'detached' })
    expect((await stage.platform.api('listRealmKeys', {})).items).toEqual([])
  })

  test('an Astarte elsewhere is named with its key, stands with why it is not well, is checked, and left', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const page = await stage.open('/settings/realm')
    await page.getByRole('button', { name: 'Use an Astarte elsewhere' }).click()
    const dialog = page.getByRole('dialog', { name: 'Use an Astarte elsewhere' })
    // Nobody listens there.
    await dialog.getByLabel('Address of its API').fill('http://127.0.0.1:9')
    await dialog.getByLabel('Private key of the realm').fill(pem)
    await dialog.getByRole('button', { name: 'Use it' }).click()
    await page.getByText('acme, signed by ES256').waitFor()
    await page.getByRole('button', { name: 'Check now' }).click()
    const report = page.getByRole('list', { name: 'What the check found' })
    await report.getByText(/realm management/).waitFor()
    await page.getByText('needs a look').waitFor()
    // Devices pair there now, so none is paired from here.
    await page.goto('/devices?add=gateway')
    await page.getByRole('dialog', { name: 'Add a device' }).waitFor()
    expect(await page.getByText('Edgehog (Astarte)').count()).toBe(0)
    await page.goto('/settings/realm')
    await page.getByRole('button', { name: 'The cluster: more' }).click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await page.getByRole('button', { name: 'Remove the cluster' }).click()
    await page.getByRole('button', { name: 'Use an Astarte elsewhere' }).waitFor()
  })

  test('a device is added under an id of its own, and comes in by the secret that is shown', async () => {
    const page = await stage.open('/devices?add=gateway')
    const dialog = page.getByRole('dialog', { name: 'Add a device' })
    await dialog.getByText('Edgehog (Astarte)').click()
    await dialog.getByLabel('Name').fill('gateway in the hall')
    await dialog.getByLabel('Device id').fill('too-short')
    await dialog.getByText(/no id of Astarte/).waitFor()
    await dialog.getByLabel('Device id').fill(FIRST)
    await dialog.getByRole('button', { name: 'Add the device' }).click()
    const shown = page.getByRole('dialog', { name: 'gateway in the hall' })
    await shown.getByText(`device_id = "${FIRST}"`).waitFor()
    const device = new AstarteDevice(await realmOf(), FIRST)
    device.secret = (await shown.locator('code').first().textContent()) ?? ''
    await shown.getByRole('button', { name: 'Watch the device' }).click()
    const details = page.getByRole('dialog', { name: 'gateway in the hall' })
    await details.getByText('pending', { exact: true }).waitFor()
    expect((await device.certify()).status).toBe(201)
    await device.connect()
    await device.introduce()
    await details.getByText('confirmed', { exact: true }).waitFor()
    await details.getByText('connected since').waitFor()
    await details.getByText('partNumber').waitFor()
    await details.getByRole('button', { name: /interfaces$/ }).click()
    await details.getByText('io.edgehog.devicemanager.OTARequest').waitFor()
    // It was given nothing else to come in by.
    const { id } = await stage.platform.device('gateway in the hall')
    const { items } = await stage.platform.api('listCredentials', { params: { id } })
    expect(items.map(({ kind }) => kind)).toEqual(['x509'])
    await device.disconnect()
  })

  test('an id that another device has is refused, and no device is left behind', async () => {
    const page = await stage.open('/devices?add=gateway')
    const dialog = page.getByRole('dialog', { name: 'Add a device' })
    await dialog.getByText('Edgehog (Astarte)').click()
    await dialog.getByLabel('Name').fill('the second')
    await dialog.getByLabel('Device id').fill(FIRST)
    await dialog.getByRole('button', { name: 'Add the device' }).click()
    await page.getByText('Not done').waitFor()
    const { items } = await stage.platform.api('listDevices', { query: { name: 'the second' } })
    expect(items).toEqual([])
  })

  test('a device is kept outside, let in again, and unregistered', async () => {
    const device = await introduced()
    const page = await stage.open(await stage.devicePath(device.id))
    await page.getByRole('button', { name: 'Inhibit', exact: true }).click()
    await page.getByRole('button', { name: 'Inhibit it' }).click()
    await page.getByText('inhibited', { exact: true }).waitFor()
    await expect(device.connect()).rejects.toThrow()
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByText('confirmed', { exact: true }).waitFor()
    await device.connect()
    await page.getByRole('button', { name: 'Astarte: more' }).click()
    await page.getByRole('menuitem', { name: 'Unregister…' }).click()
    await page.getByRole('button', { name: 'Unregister it' }).click()
    await page.getByText('pending', { exact: true }).waitFor()
    expect((await device.certify()).status).toBe(401)
  })

  test('a device that was known by a token is paired beside it', async () => {
    await stage.platform.addDevice('lamp-1', 'lamp')
    const page = await stage.open(await stage.devicePath('lamp-1'))
    await page.getByRole('button', { name: 'More', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Pair over Astarte…' }).click()
    await page.getByRole('button', { name: 'Make an id up' }).click()
    await page.getByRole('button', { name: 'Pair it' }).click()
    await page.getByText('The credentials secret is shown once').waitFor()
    expect((await stage.platform.device('lamp-1')).astarteId).toMatch(/^[\w-]{22}$/)
  })

  test('a failure shows the device’s own code, and an update that is cancelled says the device has yet to stop', async () => {
    const device = await introduced()
    const bytes = new TextEncoder().encode('2.0.0')
    const release = { title: `for ${device.id}`, version: '2.0.0', profile: 'gateway', bytes }
    await stage.platform.assign(await stage.platform.addRelease(release), { device: device.id })
    const first = await device.request()
    await device.event(first.uuid, 'Failure', { code: 'IOError', message: 'no room' })
    const page = await stage.open(await stage.devicePath(device.id))
    await page.getByText('no room').first().waitFor()
    await page.getByText('IOError').first().waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    const second = await device.request()
    await device.event(second.uuid, 'Downloading', { progress: 10 })
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.getByRole('button', { name: 'Cancel the update' }).click()
    await page.getByText('being cancelled').first().waitFor()
    expect(await device.request()).toMatchObject({ operation: 'Cancel', uuid: second.uuid })
    await device.event(second.uuid, 'Failure', { code: 'Canceled' })
    const { id } = await stage.platform.device(device.id)
    const cancelling = () => stage.platform.api('showPairing', { params: { id } })
    await expect.poll(cancelling).toMatchObject({ cancelling: [] })
    await page.getByText('being cancelled').first().waitFor({ state: 'detached' })
    await device.disconnect()
  })

  test('where devices are paired here, an Astarte elsewhere is not offered', async () => {
    const page = await stage.open('/settings/realm')
    await page.getByText('That takes a realm in which no device is paired here').waitFor()
    expect(await page.getByRole('button', { name: 'Use an Astarte elsewhere' }).count()).toBe(0)
  })

  test('a campaign is filled in as Edgehog has it', async () => {
    const bytes = new TextEncoder().encode('lamp')
    await stage.platform.addRelease({ title: 'lamp', version: '3.0.0', profile: 'lamp', bytes })
    const page = await stage.open('/campaigns/new')
    await choose(page, 'Release', 'lamp 3.0.0')
    await page.getByRole('textbox', { name: 'Expression' }).fill('true')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('button', { name: 'Like Edgehog' }).click()
    expect(await page.getByLabel('Devices at a time').inputValue()).toBe('1')
    expect(await page.getByLabel('All at once').isChecked()).toBe(true)
    expect(await page.getByText('Without word for').count()).toBe(0)
  })

  test('an old link to a part of the settings leads to its address', async () => {
    const page = await stage.open('/settings?part=people')
    await page.waitForURL(/\/settings\/people$/)
    await page.getByRole('tab', { name: 'People', selected: true }).waitFor()
  })
})
