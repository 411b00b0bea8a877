import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RAUC_ERROR, raucUpdater } from './hawkbit-clients.ts'
import { actionIn, hawkbitDevice } from './hawkbit-device.ts'
import { addSet, basic, fileForm, type Manage, management } from './hawkbit-management.ts'
import { addOperator, quickHash } from './operator.ts'
import { otherTenant } from './other-tenant.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
let manage: Manage

beforeAll(async () => {
  platform = await testPlatform()
  manage = management(platform)
})
afterAll(() => platform.stop())

const bytesOf = (size = 1000) => new Uint8Array(randomBytes(size))
const hex = (algorithm: string, bytes: Uint8Array) =>
  createHash(algorithm).update(bytes).digest('hex')

async function addTarget(controllerId: string): Promise<{ securityToken: string }> {
  const { status, json } = await manage('POST', 'targets', [{ controllerId, name: controllerId }])
  expect(status).toBe(201)
  return json[0]
}

describe('who asks', () => {
  const asked = async (authorization: string | null) =>
    (await management(platform, authorization)('GET', 'targets')).status

  test('is an operator by name and password, or by an API token in its place', async () => {
    await addOperator(platform, {
      name: 'olga',
      role: 'viewer',
      passwordHash: quickHash('olga knows it'),
    })
    expect(await asked(basic('olga', 'olga knows it'))).toBe(200)
    // The second time it is remembered.
    expect(await asked(basic('olga', 'olga knows it'))).toBe(200)
    expect(await asked(basic('DEFAULT\\olga', 'olga knows it'))).toBe(200)
    expect(await asked(basic('whoever', ADMIN_TOKEN))).toBe(200)
    expect(await asked(`Bearer ${ADMIN_TOKEN}`)).toBe(200)
  })

  test('is nobody with another password, in another tenant, or with nothing', async () => {
    for (const authorization of [
      null,
      basic('olga', 'another'),
      basic('nobody', 'olga knows it'),
      basic('elsewhere\\olga', 'olga knows it'),
      basic('olga', ''),
      'Basic ???',
    ]) {
      expect(await asked(authorization)).toBe(401)
    }
    const { status, headers, json } = await management(platform, null)('GET', 'targets')
    expect([status, json]).toEqual([401, undefined])
    expect(headers.get('www-authenticate')).toMatch(/^Basic /)
  })

  test('may what the role may, and what is refused stands in the audit log', async () => {
    const viewer = management(
      platform,
      basic('x', await addOperator(platform, { name: 'victor', role: 'viewer' })),
    )
    expect((await viewer('GET', 'softwaremodules')).status).toBe(200)
    for (const [method, path, body] of [
      ['POST', 'targets', [{ controllerId: 'never' }]],
      ['POST', 'softwaremodules', [{ name: 'never', version: '1', type: 'os' }]],
      ['POST', 'distributionsets', [{ name: 'never', version: '1' }]],
      ['PUT', 'system/configs/pollingTime', { value: '00:01:00' }],
    ] as const) {
      const { status, json } = await viewer(method, path, body)
      expect([path, status]).toEqual([path, 403])
      expect(json).toMatchObject({
        exceptionClass: expect.stringMatching(/\.InsufficientPermissionException$/),
        errorCode: 'hawkbit.server.error.insufficientpermission',
        message: expect.stringMatching(/\.$/),
      })
    }
    const { items } = await platform.api('listEvents', { query: { limit: 50 } })
    const refused = items.filter(
      ({ kind, actor }) => kind === 'action.refused' && actor.name === 'victor',
    )
    expect(refused.length).toBeGreaterThanOrEqual(4)
  })

  test('sees nothing of another tenant', async () => {
    await addTarget('ours-alone')
    const { moduleId, setId } = await addSet(manage, { name: 'ours alone', bytes: bytesOf() })
    const other = await otherTenant(platform, { name: 'elsewhere', administrator: 'erna' })
    const theirs = management(platform, basic('x', other.token))
    for (const path of [
      'targets/ours-alone',
      `softwaremodules/${moduleId}`,
      `softwaremodules/${moduleId}/artifacts`,
      `distributionsets/${setId}`,
    ]) {
      expect([path, (await theirs('GET', path)).status]).toEqual([path, 404])
    }
    expect((await theirs('GET', 'targets')).json.content).toEqual([])
    expect((await theirs('GET', 'distributionsets')).json.content).toEqual([])
    expect((await theirs('DELETE', `softwaremodules/${moduleId}`)).status).toBe(404)
  })
})

describe('configuration', () => {
  test('is the settings of the profile, under the names of hawkBit', async () => {
    for (const [key, value] of Object.entries({
      pollingTime: '00:00:30',
      pollingOverdueTime: '00:03:00',
      'authentication.targettoken.enabled': true,
      'authentication.gatewaytoken.enabled': true,
      'authentication.gatewaytoken.key': 'a-key-for-all-of-them',
      'anonymous.download.enabled': false,
    })) {
      const put = await manage('PUT', `system/configs/${key}`, { value })
      expect([key, put.status, put.json.value]).toEqual([key, 200, value])
      const { json } = await manage('GET', `system/configs/${key}`)
      expect(json).toMatchObject({
        value,
        global: key === 'anonymous.download.enabled' ? expect.any(Boolean) : false,
      })
    }
    const { items } = await platform.api('listProfiles', { query: { name: 'hawkbit' } })
    expect(items[0]).toMatchObject({ provisioning: { key: 'a-key-for-all-of-them' } })
    const params = { id: items[0]?.id ?? '' }
    expect(await platform.api('showHawkbitSettings', { params })).toMatchObject({
      pollSeconds: 30,
      targetToken: true,
      gatewayToken: true,
    })
    const { json } = await manage('GET', 'system/configs')
    expect(json.pollingTime.value).toBe('00:00:30')
  })

  test('several at once', async () => {
    const values = { pollingTime: '00:01:00', 'authentication.targettoken.enabled': true }
    const { status, json } = await manage('PUT', 'system/configs', values)
    expect([status, json.pollingTime.value]).toEqual([200, '00:01:00'])
  })

  test.each([
    ['rollout.approval.enabled', true, 'operation.notSupported', /stands for rollout/],
    ['anonymous.download.enabled', true, 'operation.notSupported', /always false/],
    ['pollingTime', 'PT24H', 'configValueInvalid', /23:59:59/],
    ['pollingTime', 30, 'configValueInvalid', /HH:MM:SS/],
    ['authentication.targettoken.enabled', 'perhaps', 'configValueInvalid', /true or false/],
  ])('%s cannot be %j, and why is said', async (key, value, code, message) => {
    const { status, json } = await manage('PUT', `system/configs/${key}`, { value })
    expect(status).toBe(400)
    expect(json).toMatchObject({
      errorCode: `hawkbit.server.error.${code}`,
      message: expect.stringMatching(message),
    })
  })

  test('what is kept here goes back to what it was', async () => {
    await manage('PUT', 'system/configs/pollingOverdueTime', { value: '00:07:00' })
    expect((await manage('DELETE', 'system/configs/pollingOverdueTime')).status).toBe(204)
    const { json } = await manage('GET', 'system/configs/pollingOverdueTime')
    expect(json).toMatchObject({ value: '00:05:00', global: true })
  })
})

describe('targets', () => {
  test('are devices of the profile: added, shown, changed, removed', async () => {
    const { json: made } = await manage('POST', 'targets', [
      { controllerId: 'pump-1', name: 'Kitchen', description: 'by the sink' },
      { controllerId: 'pump-2', securityToken: 'their-own-token' },
    ])
    expect(made).toMatchObject([
      { controllerId: 'pump-1', name: 'Kitchen', description: 'by the sink' },
      { controllerId: 'pump-2', name: 'pump-2', securityToken: 'their-own-token' },
    ])
    const { json: shown } = await manage('GET', 'targets/pump-1')
    expect(shown).toMatchObject({
      name: 'Kitchen',
      controllerId: 'pump-1',
      updateStatus: 'unknown',
      securityToken: made[0].securityToken,
      _links: { self: { href: `${platform.url}/rest/v1/targets/pump-1` } },
    })
    // What somebody chose is nowhere to be read again.
    expect((await manage('GET', 'targets/pump-2')).json.securityToken).toBeUndefined()

    const { json: changed } = await manage('PUT', 'targets/pump-1', { name: 'Cellar' })
    expect(changed).toMatchObject({ name: 'Cellar', description: 'by the sink' })
    await manage('PUT', 'targets/pump-1', { securityToken: 'another' })
    expect((await manage('GET', 'targets/pump-1')).json.securityToken).toBeUndefined()
    expect(await platform.device('pump-1')).toMatchObject({ profile: 'hawkbit' })

    expect((await manage('DELETE', 'targets/pump-1')).status).toBe(204)
    const { status, json } = await manage('GET', 'targets/pump-1')
    expect(status).toBe(404)
    expect(json).toMatchObject({
      exceptionClass: expect.stringMatching(/EntityNotFoundException$/),
      errorCode: 'hawkbit.server.error.repo.entitiyNotFound',
      message: 'There is no target "pump-1".',
    })
  })

  test('come in pages, and by query', async () => {
    const names = ['list-a', 'list-b', 'list-c', 'other-d']
    await manage(
      'POST',
      'targets',
      names.map((controllerId) => ({ controllerId })),
    )
    const list = async (query: string) => {
      const { status, json } = await manage('GET', `targets?${query}`)
      expect(status).toBe(200)
      const content: { controllerId: string }[] = json.content
      return { names: content.map(({ controllerId }) => controllerId), total: json.total }
    }
    expect(await list('q=name==list-*&sort=name:ASC&limit=2')).toEqual({
      names: ['list-a', 'list-b'],
      total: 3,
    })
    expect(await list('q=name==list-*&sort=name:ASC&limit=2&offset=2')).toEqual({
      names: ['list-c'],
      total: 3,
    })
    expect(await list('q=name==list-*&sort=name:DESC&limit=1')).toMatchObject({ names: ['list-c'] })
    expect(await list("q=controllerId=in=(list-a,'other-d')&sort=name:ASC")).toEqual({
      names: ['list-a', 'other-d'],
      total: 2,
    })
    expect(await list('q=(name==list-a,name==list-b);name!=list-a')).toMatchObject({
      names: ['list-b'],
    })
    expect(await list('offset=9999&limit=1&q=name==list-*')).toEqual({ names: [], total: 3 })
  })

  test.each([
    ['q=updatestatus==pending', /asks for updatestatus/],
    ['q=name=gt=4', /compares by =gt=/],
    ['q=name==', /a value is due/],
    ['q=(name==a', /no "\)"/],
    ['sort=ipaddress:ASC', /sort by one of/],
    ['offset=-1', /offset/],
  ])('%s cannot be asked, and why is said', async (query, message) => {
    const { status, json } = await manage('GET', `targets?${query}`)
    expect([status, json.message]).toEqual([400, expect.stringMatching(message)])
  })

  test.each([
    [[{ controllerId: 't', targetType: 4 }], /profile that updraft.profile names/],
    [[{ controllerId: 't', group: 'Europe' }], /labels/],
    [[{ name: 'no id' }], /controllerId/],
    [{ controllerId: 'no list' }, /array/],
    [[], />=1|too small/i],
  ])('%j is no target, and why is said', async (body, message) => {
    const { status, json } = await manage('POST', 'targets', body)
    expect([status, json.message]).toEqual([400, expect.stringMatching(message)])
  })

  test('the second of a name is refused', async () => {
    await addTarget('twice')
    const { status, json } = await manage('POST', 'targets', [{ controllerId: 'twice' }])
    expect([status, json.errorCode]).toEqual([409, 'hawkbit.server.error.repo.entitiyAlreayExists'])
  })
})

describe('software', () => {
  test('a module becomes a release with its file', async () => {
    const bytes = bytesOf()
    const { status, json } = await manage('POST', 'softwaremodules', [
      { name: 'rootfs', version: '2.0', type: 'os', vendor: 'Us', description: 'all of it' },
    ])
    expect(status).toBe(201)
    const [module] = json
    expect(module).toMatchObject({
      id: expect.any(Number),
      name: 'rootfs',
      version: '2.0',
      type: 'os',
      typeName: 'OS',
      vendor: 'Us',
      locked: false,
      deleted: false,
    })
    const path = `softwaremodules/${module.id}`
    expect((await manage('GET', `${path}/artifacts`)).json).toEqual([])
    const uploaded = await manage('POST', `${path}/artifacts`, fileForm('rootfs.raucb', bytes))
    expect(uploaded.status).toBe(201)
    expect(uploaded.json).toMatchObject({
      providedFilename: 'rootfs.raucb',
      size: bytes.length,
      hashes: { sha1: hex('sha1', bytes), md5: hex('md5', bytes), sha256: hex('sha256', bytes) },
    })
    const artifactId: number = uploaded.json.id
    const shown = await manage('GET', `${path}/artifacts/${artifactId}`)
    expect(shown.json).toEqual(uploaded.json)
    const { items } = await platform.api('listReleases', { query: { title: 'rootfs' } })
    expect(items).toMatchObject([
      { version: '2.0', type: 'firmware', profile: 'hawkbit', fileName: 'rootfs.raucb' },
    ])
    expect((await manage('GET', path)).json.locked).toBe(true)

    const again = await manage('POST', `${path}/artifacts`, fileForm('more', bytesOf()))
    expect([again.status, again.json.message]).toEqual([400, expect.stringMatching(/one here/)])

    expect((await manage('DELETE', `${path}/artifacts/${artifactId}`)).status).toBe(204)
    expect((await platform.api('listReleases', { query: { title: 'rootfs' } })).items).toEqual([])
    expect((await manage('DELETE', path)).status).toBe(204)
    expect((await manage('GET', path)).status).toBe(404)
  })

  test('a file that is not what was announced is refused, and makes no release', async () => {
    const bytes = bytesOf()
    const { json } = await manage('POST', 'softwaremodules', [
      { name: 'sums', version: '1', type: 'application' },
    ])
    const path = `softwaremodules/${json[0].id}/artifacts`
    for (const field of ['md5sum', 'sha1sum', 'sha256sum']) {
      const wrong = await manage('POST', path, fileForm('f', bytes, { [field]: 'abc' }))
      expect([field, wrong.status, wrong.json.message]).toEqual([
        field,
        400,
        expect.stringMatching(/, not abc\.$/),
      ])
    }
    expect((await manage('GET', path)).json).toEqual([])
    const sha1sum = hex('sha1', bytes)
    const right = await manage(
      'POST',
      `${path}?filename=app.swu&sha1sum=${sha1sum}`,
      fileForm('f', bytes),
    )
    expect([right.status, right.json.providedFilename]).toEqual([201, 'app.swu'])
  })

  test('sets name modules; their types are those of hawkBit', async () => {
    const { moduleId, setId } = await addSet(manage, { name: 'set-of', bytes: bytesOf() })
    const { json } = await manage('GET', `distributionsets/${setId}`)
    expect(json).toMatchObject({
      name: 'DS set-of',
      type: 'os',
      typeName: 'OS only',
      complete: true,
      modules: [{ id: moduleId, name: 'set-of' }],
    })
    const modules = await manage('GET', `distributionsets/${setId}/assignedSM`)
    expect(modules.json).toMatchObject({ total: 1, content: [{ id: moduleId }] })
    const found = await manage('GET', 'distributionsets?q=name=="DS set-of";version==1.0')
    expect(found.json).toMatchObject({ total: 1, content: [{ id: setId }] })
    const types = await manage('GET', 'softwaremoduletypes')
    expect(types.json.content.map(({ key }: { key: string }) => key)).toEqual([
      'os',
      'application',
      'runtime',
    ])
    expect((await manage('GET', 'distributionsettypes')).json.total).toBe(3)
    expect((await manage('GET', 'distributionsettypes/2')).json).toMatchObject({ key: 'app' })
    expect((await manage('DELETE', `distributionsets/${setId}`)).status).toBe(204)
    expect((await manage('GET', `distributionsets/${setId}`)).status).toBe(404)
    expect((await manage('DELETE', `distributionsets/${setId}`)).status).toBe(404)
  })

  test('what cannot be one set is refused, and why is said', async () => {
    const { json } = await manage('POST', 'softwaremodules', [
      { name: 'app-a', version: '1', type: 'application' },
      { name: 'app-b', version: '1', type: 'application' },
    ])
    const modules = json.map(({ id }: { id: number }) => ({ id }))
    const both = await manage('POST', 'distributionsets', [{ name: 'both', version: '1', modules }])
    expect([both.status, both.json.message]).toEqual([400, expect.stringMatching(/one of a type/)])
    const none = await manage('POST', 'distributionsets', [
      { name: 'none', version: '1', modules: [{ id: 999_999 }] },
    ])
    expect(none.status).toBe(404)
    const odd = await manage('POST', 'distributionsets', [{ name: 'o', version: '1', type: 'odd' }])
    expect([odd.status, odd.json.message]).toEqual([400, expect.stringMatching(/os, app, os_app/)])
    expect((await manage('GET', 'distributionsets/none')).status).toBe(400)
    expect((await manage('GET', 'rollouts')).status).toBe(404)
  })

  test('a file is taken in as it comes, whatever its size', async () => {
    const { json } = await manage('POST', 'softwaremodules', [
      { name: 'large', version: '1', type: 'runtime' },
    ])
    const bytes = new Uint8Array(64 * 1024 * 1024)
    const { status } = await manage(
      'POST',
      `softwaremodules/${json[0].id}/artifacts`,
      fileForm('large.bin', bytes),
    )
    expect(status).toBe(201)
  })
})

describe('assignments and actions', () => {
  test('a set that is not complete cannot be assigned', async () => {
    await addTarget('incomplete')
    const { json } = await manage('POST', 'softwaremodules', [
      { name: 'no-file', version: '1', type: 'os' },
    ])
    const set = await manage('POST', 'distributionsets', [
      { name: 'no-file', version: '1', modules: [{ id: json[0].id }] },
    ])
    const path = `distributionsets/${set.json[0].id}/assignedTargets`
    const { status, json: refused } = await manage('POST', path, [{ id: 'incomplete' }])
    expect([status, refused.errorCode, refused.message]).toEqual([
      400,
      'hawkbit.server.error.distributionset.incomplete',
      expect.stringMatching(/no-file@1 has no artifact/),
    ])
  })

  test.each([
    [{ type: 'timeforced' }, /from when on/],
    [{ weight: 3 }, /no weight/],
    [{ confirmationRequired: true }, /is not/],
  ])('%j is not promised, and nothing is assigned', async (wish, message) => {
    const name = `wish-${Object.keys(wish)[0]}-${Object.values(wish)[0]}`
    await addTarget(name)
    const { setId } = await addSet(manage, { name, bytes: bytesOf() })
    const { status, json } = await manage('POST', `targets/${name}/assignedDS`, [
      { id: setId, ...wish },
    ])
    expect([status, json.message]).toEqual([400, expect.stringMatching(message)])
    expect((await manage('GET', `targets/${name}/assignedDS`)).status).toBe(204)
  })

  test('an action is there at once, is told to the device under its number, and shows how it fared', async () => {
    const bytes = bytesOf(5000)
    const { securityToken } = await addTarget('fares')
    const { setId } = await addSet(manage, { name: 'fares', bytes })
    const assigned = await manage('POST', 'targets/fares/assignedDS', { id: setId, type: 'forced' })
    expect(assigned.status).toBe(200)
    expect(assigned.json).toMatchObject({ alreadyAssigned: 0, assigned: 1, total: 1 })
    const [{ id }] = assigned.json.assignedActions
    expect((await manage('GET', `targets/fares/actions/${id}`)).json).toMatchObject({
      id,
      type: 'update',
      status: 'pending',
      _links: { distributionset: { name: 'DS fares:1.0' } },
    })
    expect((await manage('GET', 'targets/fares')).json.updateStatus).toBe('pending')
    const again = await manage('POST', 'targets/fares/assignedDS', { id: setId })
    expect(again.json).toMatchObject({ alreadyAssigned: 1, assigned: 0, assignedActions: [] })

    const client = raucUpdater({
      url: platform.url,
      controllerId: 'fares',
      authorization: `TargetToken ${securityToken}`,
    })
    expect(await client.once()).toBe('installed')
    expect(client.requests.map(({ path }) => path)).toContain(
      `/DEFAULT/controller/v1/fares/deploymentBase/${id}/feedback`,
    )
    // It is proven when the device comes again.
    expect(await client.once()).toBe('nothing')
    expect((await manage('GET', `targets/fares/actions/${id}`)).json).toMatchObject({
      type: 'update',
      status: 'finished',
      detailStatus: 'finished',
    })
    const statuses = await manage('GET', `targets/fares/actions/${id}/status?sort=id:DESC`)
    expect(statuses.json.content[0]).toMatchObject({
      type: 'finished',
      messages: expect.arrayContaining(['Software bundle installed successfully.']),
    })
    expect(statuses.json.content.at(-1)).toMatchObject({ type: 'running' })
    expect((await manage('GET', 'targets/fares/installedDS')).json).toMatchObject({ id: setId })
    expect((await manage('GET', 'targets/fares/assignedDS')).json).toMatchObject({ id: setId })
    expect((await manage('GET', 'targets/fares')).json).toMatchObject({
      updateStatus: 'in_sync',
      pollStatus: { overdue: false },
    })
    expect((await manage('GET', 'targets/fares/attributes')).json).toEqual({
      product: 'Terminator',
      serial: 'S-1',
    })
    const found = await manage('GET', 'targets?q=attribute.serial==S-1')
    expect(
      found.json.content.map(({ controllerId }: { controllerId: string }) => controllerId),
    ).toEqual(['fares'])
    expect((await manage('GET', 'targets/fares/actions')).json).toMatchObject({ total: 1 })
    const late = await manage('DELETE', `targets/fares/actions/${id}`)
    expect([late.status, late.json.errorCode]).toEqual([
      405,
      'hawkbit.server.error.action.notcancelable',
    ])
  })

  test('a failure is told with what the device said', async () => {
    const { securityToken } = await addTarget('breaks')
    const { setId } = await addSet(manage, { name: 'breaks', bytes: bytesOf() })
    const { json } = await manage('POST', `distributionsets/${setId}/assignedTargets`, [
      { id: 'breaks' },
    ])
    const [{ id }] = json.assignedActions
    const client = raucUpdater(
      { url: platform.url, controllerId: 'breaks', authorization: `TargetToken ${securityToken}` },
      { install: async () => false },
    )
    expect(await client.once()).toBe('failed')
    const statuses = await manage('GET', `targets/breaks/actions/${id}/status?sort=id:DESC&limit=1`)
    expect(statuses.json.content).toMatchObject([
      { type: 'error', messages: ['Failed to install software bundle.'] },
    ])
    // Why it failed was in a word before that one.
    expect((await platform.device('breaks')).operation?.error).toBe(
      `Failed to install software bundle.\nLastError: ${RAUC_ERROR}`,
    )
    expect((await manage('GET', 'targets/breaks')).json.updateStatus).toBe('error')
    expect((await manage('GET', 'targets/breaks/installedDS')).status).toBe(204)
  })

  test('what is cancelled before the device came waits for its yes, or for nobody, and can be assigned anew', async () => {
    const { securityToken } = await addTarget('cancels')
    const { setId } = await addSet(manage, { name: 'cancels', bytes: bytesOf() })
    const assign = () => manage('POST', 'targets/cancels/assignedDS', { id: setId })
    const [{ id }] = (await assign()).json.assignedActions
    const force = await manage('DELETE', `targets/cancels/actions/${id}?force=true`)
    expect([force.status, force.json.message]).toEqual([
      405,
      expect.stringMatching(/not cancelled before/),
    ])
    expect((await manage('DELETE', `targets/cancels/actions/${id}`)).status).toBe(204)
    expect((await manage('GET', `targets/cancels/actions/${id}`)).json).toMatchObject({
      type: 'cancel',
      status: 'pending',
      detailStatus: 'canceling',
    })
    const client = raucUpdater(
      { url: platform.url, controllerId: 'cancels', authorization: `TargetToken ${securityToken}` },
      { install: async () => true },
    )
    expect(await client.once()).toBe('cancelled')
    const finished = { type: 'cancel', status: 'finished', detailStatus: 'canceled' }
    expect((await manage('GET', `targets/cancels/actions/${id}`)).json).toMatchObject(finished)
    // As scripts do to be sure.
    expect((await manage('DELETE', `targets/cancels/actions/${id}?force=true`)).status).toBe(204)

    const [{ id: next }] = (await assign()).json.assignedActions
    for (const force of ['', '?force=true']) {
      const { status } = await manage('DELETE', `targets/cancels/actions/${next}${force}`)
      expect(status).toBe(204)
    }
    expect((await manage('GET', `targets/cancels/actions/${next}`)).json).toMatchObject(finished)
    expect(await client.once()).toBe('nothing')
    expect(next).toBeGreaterThan(id)
    expect(
      (await manage('GET', 'targets/cancels/actions?sort=id:DESC')).json.content,
    ).toMatchObject([{ id: next }, { id }])
    await addTarget('another')
    expect((await manage('GET', `targets/another/actions/${id}`)).status).toBe(404)
    expect((await manage('DELETE', `targets/another/actions/${id}`)).status).toBe(404)
  })

  test('what was assigned before anybody knew the client is told as that one takes it', async () => {
    const { securityToken } = await addTarget('unknown-yet')
    const modules: { id: number }[] = []
    for (const [name, type, fileName] of [
      ['yet os', 'os', 'os.swu'],
      ['yet app', 'application', 'app.zck'],
    ] as const) {
      const { json } = await manage('POST', 'softwaremodules', [{ name, version: '1', type }])
      const form = fileForm(fileName, bytesOf())
      await manage('POST', `softwaremodules/${json[0].id}/artifacts`, form)
      modules.push({ id: json[0].id })
    }
    const set = await manage('POST', 'distributionsets', [{ name: 'yet', version: '1', modules }])
    const setId: number = set.json[0].id
    const assigned = await manage('POST', 'targets/unknown-yet/assignedDS', { id: setId })
    const ids: number[] = assigned.json.assignedActions.map(({ id }: { id: number }) => id)
    // One at a time is what anybody takes.
    expect(ids).toHaveLength(2)
    const device = hawkbitDevice({
      url: platform.url,
      controllerId: 'unknown-yet',
      authorization: `TargetToken ${securityToken}`,
      userAgent: 'libcurl-agent/1.0',
    })
    const link = (await device.linked('deploymentBase')) ?? ''
    expect(actionIn(link)).toBe(String(Math.min(...ids)))
    const { json } = await device.ask('GET', link)
    const { chunks } = (json as { deployment: { chunks: { artifacts: { filename: string }[] }[] } })
      .deployment
    const files = chunks.flatMap(({ artifacts }) => artifacts.map(({ filename }) => filename))
    expect(files.toSorted()).toEqual(['app.zck', 'os.swu'])
    const path = `targets/unknown-yet/actions/${Math.max(...ids)}`
    expect((await manage('GET', path)).json).toMatchObject({ active: false })
    // It has read it: whoever comes now is told the same.
    const other = hawkbitDevice({
      url: platform.url,
      controllerId: 'unknown-yet',
      authorization: `TargetToken ${securityToken}`,
      userAgent: 'rauc-hawkbit-c-agent/1.0',
    })
    expect(actionIn(await other.linked('deploymentBase'))).toBe(actionIn(link))
  })

  test('what the client cannot take is not told, and operators hear why', async () => {
    const { securityToken } = await addTarget('wrong-kind')
    const { setId } = await addSet(manage, { name: 'wrong kind', bytes: bytesOf() })
    await manage('POST', 'targets/wrong-kind/assignedDS', { id: setId })
    const come = (userAgent: string) =>
      hawkbitDevice({
        url: platform.url,
        controllerId: 'wrong-kind',
        authorization: `TargetToken ${securityToken}`,
        userAgent,
      })
    expect(await come('libcurl-agent/1.0').linked('deploymentBase')).toBeUndefined()
    const { items } = await platform.api('listEvents', { query: { limit: 20 } })
    expect(items.find(({ kind }) => kind === 'offer.refused')?.reason?.message).toMatch(
      /SWUpdate takes files that end in \.swu or \.zck, not bundle\.raucb/,
    )
    expect(await come('rauc-hawkbit-c-agent/1.0').linked('deploymentBase')).toBeDefined()
  })
})

test("the order in which the tests of RAUC's updater ask", async () => {
  const ok = async (status: number, ...asked: Parameters<Manage>) => {
    const answer = await manage(...asked)
    expect([asked[0], asked[1], answer.status]).toEqual([asked[0], asked[1], status])
    return answer.json
  }
  for (const [key, value] of [
    ['pollingTime', '00:00:30'],
    ['pollingOverdueTime', '00:03:00'],
    ['authentication.targettoken.enabled', true],
    ['authentication.gatewaytoken.enabled', true],
    ['authentication.gatewaytoken.key', 'f00dfacef00dfacef00dfacef00dface'],
    ['anonymous.download.enabled', false],
  ]) {
    await ok(200, 'PUT', `system/configs/${key}`, { value })
  }
  const name = 'test-177.25'
  await ok(201, 'POST', 'targets', [{ controllerId: name, name }])
  const target = await ok(200, 'GET', `targets/${name}`)
  expect(target.name).toBe(name)
  const updater = raucUpdater({
    url: platform.url,
    controllerId: target.controllerId,
    authorization: `TargetToken ${target.securityToken}`,
  })
  // Without an assignment it says what it is, and that is there to be read.
  expect(await updater.once()).toBe('nothing')
  expect(await ok(200, 'GET', `targets/${name}/attributes`)).toMatchObject({ serial: 'S-1' })

  const made: { moduleId: number; artifactId: number; setId: number; actionId: number }[] = []
  const assign = async (version: string) => {
    const [{ id: moduleId }] = await ok(201, 'POST', 'softwaremodules', [
      { name: `software module ${version}`, version, type: 'os' },
    ])
    const artifacts = `softwaremodules/${moduleId}/artifacts`
    const form = fileForm('bundle.raucb_0', bytesOf(524_288))
    const { id: artifactId } = await ok(201, 'POST', artifacts, form)
    const [{ id: setId }] = await ok(201, 'POST', 'distributionsets', [
      {
        name: `distribution ${version}`,
        description: 'Test distribution',
        version,
        modules: [{ id: moduleId }],
        type: 'os',
      },
    ])
    const assigned = await ok(200, 'POST', `distributionsets/${setId}/assignedTargets`, [
      { id: name },
    ])
    const actionId: number = assigned.assignedActions.at(-1).id
    made.push({ moduleId, artifactId, setId, actionId })
    return actionId
  }
  const statusesOf = async (actionId: number): Promise<{ type: string; messages: string[] }[]> => {
    const path = `targets/${name}/actions/${actionId}/status?offset=0&limit=50&sort=id:DESC`
    return (await ok(200, 'GET', path)).content
  }

  const installed = await assign('1.0')
  expect(await updater.once()).toBe('installed')
  const [last] = await statusesOf(installed)
  expect([last?.type, last?.messages]).toEqual([
    'finished',
    ['Software bundle installed successfully.'],
  ])
  expect(await updater.once()).toBe('nothing')

  const cancelled = await assign('1.1')
  const base = `targets/${name}/actions/${cancelled}`
  expect(await ok(200, 'GET', base)).toMatchObject({ type: 'update', status: 'pending' })
  const device = hawkbitDevice({
    url: platform.url,
    controllerId: name,
    authorization: `TargetToken ${target.securityToken}`,
    userAgent: 'rauc-hawkbit-c-agent/1.0',
  })
  expect((await device.ask('GET', `/deploymentBase/${cancelled}`)).status).toBe(200)
  await ok(204, 'DELETE', base)
  expect(await ok(200, 'GET', base)).toMatchObject({ type: 'cancel', status: 'pending' })
  expect(await updater.once()).toBe('cancelled')
  expect(await ok(200, 'GET', base)).toMatchObject({ type: 'cancel', status: 'finished' })
  const heard = await statusesOf(cancelled)
  expect(heard[0]).toMatchObject({ type: 'canceled', messages: ['Action canceled.'] })
  expect(heard.map(({ type }) => type)).toEqual(['canceled', 'canceling', 'retrieved', 'running'])

  // Never read by the device, which is not waited for.
  const forgotten = await assign('1.2')
  for (const { actionId } of made) {
    // What is over cannot be taken back, which it takes for no mistake.
    const expected = actionId === forgotten ? 204 : 405
    await ok(expected, 'DELETE', `targets/${name}/actions/${actionId}`)
  }
  await ok(204, 'DELETE', `targets/${name}/actions/${forgotten}?force=true`)
  for (const { moduleId, artifactId, setId } of made) {
    await ok(204, 'DELETE', `distributionsets/${setId}`)
    await manage('DELETE', `softwaremodules/${moduleId}/artifacts/${artifactId}`)
    await ok(204, 'DELETE', `softwaremodules/${moduleId}`)
  }
  await ok(204, 'DELETE', `targets/${name}`)
  await ok(404, 'GET', `targets/${name}`)
})
