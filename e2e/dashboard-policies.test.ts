/** Policies, clouds and devices that wait, as operators see them. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { advance, choose, dashboardStage } from './dashboard.ts'
import { runs, type TestDevice } from './device.ts'

const ARRIVES = ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'] as const

describe.skipIf(!hasBrowser)('at the dashboard', () => {
  const stage = dashboardStage('operator')
  const expression = (page: Page) => page.getByRole('textbox', { name: 'Expression' })
  const details = (page: Page, name: string) => page.getByRole('dialog', { name })

  /** Devices of that profile in those regions, which run 1.0.0, and a release 2.0.0. */
  const inRegions = async (profile: string, regions: readonly string[]) => {
    const { devices } = await stage.fleet(profile, regions.length, ['2.0.0'])
    for (const [index, region] of regions.entries()) {
      await devices[index]?.offers({ ...runs(`${profile}@1.0.0`), facts: { region } })
    }
    const [release] = (await stage.platform.api('listReleases', { query: { profile } })).items
    return { devices, releaseId: release?.id ?? '' }
  }
  const asks = (device: TestDevice | undefined) => device?.offers()

  test('a policy is mended, tried on a device, published, and seen to reach one and hold back another', async () => {
    const { devices } = await inRegions('gate', ['us', 'us', 'eu'])
    const page = await stage.open('/policies')
    await page.getByRole('link', { name: 'New policy' }).first().click()
    await choose(page, 'Release', 'gate 2.0.0')

    await expression(page).fill('device.region == "us" && verzion != newVersion')
    const mistake = page.getByRole('alert')
    await mistake.getByText('column 26').waitFor()
    expect(await mistake.locator('mark').textContent()).toBe('verzion')
    expect(await page.getByRole('button', { name: 'Publish the policy' }).isDisabled()).toBe(true)

    await expression(page).fill('device.region == "us"')
    await page.getByText(/unless a downgrade is meant/).waitFor()
    await expression(page).fill('device.region == "us" && semver(version, "<", newVersion)')
    await page.getByText('It holds for 2 of 3 devices now').waitFor()
    expect(await page.getByText(/unless a downgrade is meant/).count()).toBe(0)

    await choose(page, 'Device', 'gate-3')
    await page.getByText('does not hold', { exact: true }).waitFor()
    await page.getByText('It would be offered nothing.').waitFor()
    await page.getByRole('button', { name: 'gate-1' }).click()
    await page.getByText('holds', { exact: true }).waitFor()
    await page.getByText('It would be offered an update.').waitFor()

    await page.getByRole('textbox', { name: 'Devices altogether' }).fill('1')
    await page.getByRole('switch', { name: 'Enabled' }).click({ force: true })
    await page.getByRole('button', { name: 'Save it, switched off' }).click()
    const policy = details(page, 'gate 2.0.0')
    await policy.getByText('It is switched off.').waitFor()
    expect(await asks(devices[0])).toEqual([])

    await policy.getByRole('switch', { name: 'Enabled' }).click({ force: true })
    await policy.getByText('It is switched off.').waitFor({ state: 'detached' })
    expect(await asks(devices[0])).toEqual(['gate@2.0.0'])
    expect(await asks(devices[1])).toEqual([])
    await policy.getByRole('row', { name: /gate-1 offered/ }).waitFor()
    await policy.getByRole('row', { name: /gate-2 held back .*of 1 at most/ }).waitFor()
    await policy.getByText('1 of 1 offered · 1 held back').waitFor()

    await advance(devices[0], ARRIVES)
    await policy.getByRole('row', { name: /gate-1 succeeded/ }).waitFor()
    await policy.getByRole('row', { name: /gate-2/ }).click()
    const device = details(page, 'gate-2')
    await device.getByText('held back', { exact: true }).waitFor()
    await device.getByText(/1 devices? w(as|ere) offered it, of 1 at most/).waitFor()
    await device.getByRole('link', { name: 'See the policy' }).click()
    await policy.getByText('1 of 1 offered').waitFor()
    await page.goto('/')
    await page.getByText('1 device held back from gate 2.0.0').waitFor()
  })

  test('a package shows its policy, or where to write one', async () => {
    const { releaseId } = await inRegions('pump', ['us'])
    const page = await stage.open(`/packages/${releaseId}`)
    await details(page, 'pump 2.0.0').getByRole('link', { name: 'Write a policy' }).click()
    await page.getByText('It holds for 1 of 1 device now').waitFor()
    await page.getByRole('button', { name: 'Publish the policy' }).click()
    await details(page, 'pump 2.0.0').getByText('every older device').waitFor()
    await page.goto(`/packages/${releaseId}`)
    await details(page, 'pump 2.0.0').getByText('nobody yet, of 1 device').waitFor()
  })

  test('who may only look is shown how a policy stands, and nothing to press', async () => {
    const { releaseId } = await inRegions('lamp', ['us'])
    await stage.platform.api('putPolicy', { params: { id: releaseId }, body: {} })
    const viewer = await stage.platform.person('vic', 'viewer')
    const page = await stage.platform.browser.openAs(viewer, `/policies/${releaseId}`)
    const policy = details(page, 'lamp 2.0.0')
    await policy.getByText('enabled', { exact: true }).waitFor()
    expect(await policy.getByRole('switch').count()).toBe(0)
    expect(await policy.getByRole('link', { name: 'Change' }).count()).toBe(0)
  })

  test('a cloud is added, its token is shown once, and a device is moved to it', async () => {
    await inRegions('valve', ['us'])
    const page = await stage.open('/settings/clouds')
    await page.getByRole('button', { name: 'Add a cloud' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'Name' }).fill('eu-west')
    await dialog.getByRole('textbox', { name: 'Public URL' }).fill('https://eu.example.com')
    await choose(page, 'Artifact store', 'default')
    await dialog.getByRole('button', { name: 'Add the cloud' }).click()
    await page.getByRole('row', { name: /eu-west https:\/\/eu\.example\.com default/ }).waitFor()

    await page.getByRole('button', { name: 'eu-west: more' }).click()
    await page.getByRole('menuitem', { name: 'Tokens' }).click()
    await page.getByRole('button', { name: 'Make a token' }).click()
    const secret = await dialog.locator('code').textContent()
    expect(secret?.length).toBeGreaterThan(15)
    await page.getByRole('button', { name: 'I have it' }).click()
    await dialog.getByRole('button', { name: 'Revoke' }).waitFor()
    expect(await page.getByText(secret ?? '').count()).toBe(0)

    await page.goto('/devices?search=valve')
    await page
      .getByRole('row', { name: /valve-1/ })
      .getByRole('checkbox')
      .click()
    await page.getByRole('button', { name: 'Cloud', exact: true }).click()
    await choose(page, 'Cloud', 'eu-west')
    await page.getByRole('button', { name: 'Move them there' }).click()
    await page.getByText('Done for 1 device').waitFor()
    await page.goto('/devices?cloud=eu-west')
    await page.getByRole('row', { name: /valve-1/ }).waitFor()
    const { cloud } = await stage.platform.device('valve-1')
    expect(cloud).toBe('eu-west')
  })

  test('devices that register wait, and are claimed: one by its name, several into a cloud', async () => {
    const page = await stage.open('/waiting')
    await page.getByText('Nobody waits').waitFor()
    await page.getByText(`builder: '${stage.platform.url}/ioto'`).waitFor()
    const key = 'the key of boxes'
    const id = await stage.platform.addProfile('box')
    await stage.platform.api('enableProvisioning', { params: { id }, body: { key } })
    await stage.platform.api('createCloud', { body: { name: 'us-east' } })
    for (const name of ['BOX1', 'BOX2', 'BOX3']) {
      expect(await registration(stage.platform.url, key, name)).toEqual({ registered: true })
    }

    await page.reload()
    await page.getByRole('link', { name: 'Waiting devices 3 wait' }).waitFor()
    await page.getByRole('row', { name: /BOX1 box .*model: GX-7/ }).click()
    const dialog = page.getByRole('dialog', { name: 'Claim BOX1' })
    await dialog.getByText('GX-7', { exact: true }).waitFor()
    await dialog.getByRole('textbox', { name: 'Name' }).fill('The box in the hall')
    await dialog.getByRole('button', { name: 'Claim it' }).click()
    await page.getByText('The box in the hall was claimed.').waitFor()
    await page.getByRole('row', { name: /BOX1/ }).waitFor({ state: 'detached' })
    expect(await stage.platform.device('The box in the hall')).toMatchObject({
      inventory: { model: 'GX-7' },
      cloud: null,
    })

    await page.getByRole('checkbox', { name: 'Select all that are loaded' }).click()
    await page.getByRole('button', { name: 'Claim', exact: true }).click()
    await choose(page, 'Cloud', 'us-east')
    await page.getByRole('button', { name: 'Claim them' }).click()
    await page.getByText('Nobody waits').waitFor()
    expect(await stage.platform.device('BOX3')).toMatchObject({ profile: 'box', cloud: 'us-east' })
  })

  test('of two who change a policy, the second is told', async () => {
    const { releaseId } = await inRegions('fan', ['us'])
    const params = { id: releaseId }
    await stage.platform.api('putPolicy', { params, body: {} })
    const [first, second] = await Promise.all(
      [1, 2].map(() => stage.open(`/policies/${releaseId}/edit`)),
    )
    if (!first || !second) throw new Error('There are two.')
    await expression(second).fill('device.region == "eu"')
    await expression(first).fill('device.region == "us"')
    await first.getByRole('button', { name: 'Publish the policy' }).click()
    await details(first, 'fan 2.0.0').getByText('device.region == "us"').waitFor()

    await second.getByRole('button', { name: 'Publish the policy' }).click()
    await second.getByText('The policy was changed by someone else meanwhile.').waitFor()
    expect(await expression(second).inputValue()).toBe('device.region == "eu"')
    const { expression: kept } = await stage.platform.api('showPolicy', { params })
    expect(kept).toBe('device.region == "us"')

    await first.getByRole('link', { name: 'Change', exact: true }).click()
    await expression(first).fill('device.region == "cn"')
    await first.getByRole('button', { name: 'Publish the policy' }).click()
    await details(first, 'fan 2.0.0').getByText('device.region == "cn"').waitFor()
  })

  test('a device that registered is moved to a cloud and registers anew there, and once more when asked to', async () => {
    await inRegions('duct', ['us'])
    const key = 'the key of crates'
    const id = await stage.platform.addProfile('crate')
    await stage.platform.api('enableProvisioning', {
      params: { id },
      body: { key, claimsAtOnce: true },
    })
    await stage.platform.api('createCloud', { body: { name: 'ap-south' } })
    const registering = () => registration(stage.platform.url, key, 'CRATE1')
    const { token, cloudName } = await registering()
    expect(cloudName).not.toBe('ap-south')

    const page = await stage.open(await stage.devicePath('CRATE1'))
    const more = details(page, 'CRATE1').getByRole('button', { name: 'More' })
    await more.click()
    await page.getByRole('menuitem', { name: /^Change name/ }).click()
    expect(await page.getByRole('switch', { name: /^Re-enrol/ }).count()).toBe(0)
    await choose(page, 'Cloud', 'ap-south')
    await page.getByRole('switch', { name: 'Re-enrol it, so that its agent follows' }).waitFor()
    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await page.getByText('CRATE1 registers anew when it next comes.').waitFor()
    const moved = await registering()
    expect(moved.cloudName).toBe('ap-south')
    expect(moved.token).not.toBe(token)

    await more.click()
    await page.getByRole('menuitem', { name: 'Re-enrol…' }).click()
    await page.getByRole('button', { name: 'Re-enrol it' }).click()
    await page.getByRole('dialog', { name: 'Re-enrol CRATE1?' }).waitFor({ state: 'detached' })
    expect((await registering()).token).not.toBe(moved.token)

    await page.goto(await stage.devicePath('duct-1'))
    await details(page, 'duct-1').getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: /^Change name/ }).waitFor()
    expect(await page.getByRole('menuitem', { name: 'Re-enrol…' }).count()).toBe(0)
  })

  test('a profile is switched to claim devices at once, and keeps its key', async () => {
    await stage.platform.addProfile('tap')
    const page = await stage.open(await stage.profilePath('tap'))
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: /of tap enrol/ })
    await dialog.getByRole('textbox', { name: 'Key' }).fill('the key of taps')
    await dialog.getByRole('button', { name: 'Allow it' }).click()
    await page.getByRole('button', { name: 'I have it' }).click()
    await page.getByText('Devices wait to be claimed').waitFor()

    const heading = page.getByRole('heading', { name: 'Self-enrolment' })
    const card = page.locator('section', { has: heading }).last()
    await card.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog.getByRole('switch', { name: 'Claim devices at once' }).click({ force: true })
    await dialog.getByRole('button', { name: 'Change', exact: true }).click()
    await page.getByRole('button', { name: 'I have it' }).click()
    await page.getByText('Devices are claimed at once').waitFor()
    const { items } = await stage.platform.api('listProfiles', { query: { name: 'tap' } })
    expect(items[0]?.provisioning).toEqual({
      key: 'the key of taps',
      strategy: 'create-new',
      claimsAtOnce: true,
    })
  })

  test('on a phone nothing has to be gone through sideways', async () => {
    const { releaseId } = await inRegions('meter', ['us', 'eu'])
    const body = { expression: 'device.region == "us"', limits: { percentage: 50 } }
    await stage.platform.api('putPolicy', { params: { id: releaseId }, body })
    const page = await stage.open('/', { width: 390, height: 844 })
    for (const [path, words] of [
      ['/policies', 'meter 2.0.0'],
      [`/policies/${releaseId}`, 'Versions for meter'],
      [`/policies/${releaseId}/edit`, 'What can be written'],
      ['/settings/clouds', 'Devices'],
      ['/waiting', 'Waiting devices'],
    ] as const) {
      await page.goto(path)
      await page.getByText(words).first().waitFor()
      const width = await page.evaluate('document.documentElement.scrollWidth')
      expect(width, path).toBeLessThanOrEqual(390)
    }
  })
})

/** As an agent of Ioto does it at its start. */
async function registration(
  url: string,
  key: string,
  id: string,
): Promise<{ registered: boolean; token?: string; cloudName?: string }> {
  const answer = await fetch(`${url}/ioto/device/register`, {
    method: 'POST',
    headers: { authorization: `bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id, product: key, model: 'GX-7' }),
  })
  return (await answer.json()) as { registered: boolean; token?: string; cloudName?: string }
}
