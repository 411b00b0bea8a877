import { randomUUID } from 'node:crypto'
import type { Event } from '@updraft/api/shapes'
import { expect, test } from 'vitest'
import { COMMANDS } from './commands.ts'
import { start } from './testing/start.ts'
import {
  give,
  makeDevice,
  makeEvent,
  makeOperation,
  makeRelease,
  makeToken,
} from './testing/things.ts'

test('every command says what it does, and its examples are of itself', () => {
  for (const { words, about, examples = [] } of COMMANDS) {
    expect(about, words).toMatch(/^(API|[a-z])/)
    for (const example of examples) {
      expect(example).toContain(`updraft ${words.replace(/ [<[].*/, '')}`)
    }
  }
})

test('a profile is added, shown, listed and removed', async () => {
  const { updraft, json, world } = await start()
  expect(await updraft('profile', 'add', 'Gate', '--description', 'doors')).toMatchObject({
    code: 0,
    stdout: 'Added profile Gate.\n',
  })
  expect(await json('profile', 'show', 'Gate')).toMatchObject({
    name: 'Gate',
    description: 'doors',
  })
  const { items, nextCursor } = await json('profile', 'list')
  expect(items.map(({ name }: { name: string }) => name)).toEqual(['Sensor', 'Gate'])
  expect(nextCursor).toBeNull()
  expect((await updraft('profile', 'remove', 'Gate')).code).toBe(0)
  expect(world.profiles.length).toBe(1)
})

test('a device is added with labels and a token of its own', async () => {
  const { json, server } = await start()
  const words = ['device', 'add', 'sensor-2', '--profile', 'Sensor', '--token', 'mine']
  const device = await json(...words, '--label', 'beta', '--label', 'roof')
  expect(device).toMatchObject({ name: 'sensor-2', token: 'mine', labels: ['beta', 'roof'] })
  expect(server.calls.at(-1)?.headers.authorization).toBe('Bearer token-of-the-test')
})

test('a token that is made up is shown once', async () => {
  const { updraft } = await start()
  const { stdout } = await updraft('device', 'add', 'sensor-2', '--profile', 'Sensor')
  expect(stdout).toBe(
    'Added device sensor-2 to profile Sensor.\nToken  made-up-for-sensor-2\nIt is not shown again.\n',
  )
})

test('the list of devices is filtered by the server', async () => {
  const { json, server } = await start()
  await json('device', 'list', '--state', 'downloading', '--profile', 'Sensor', '--search', 'sens')
  expect(server.calls.at(-1)?.query).toMatchObject({
    state: 'DOWNLOADING',
    profile: 'Sensor',
    search: 'sens',
  })
})

test('a device has what scripts look for', async () => {
  const { json, device, operation } = await start()
  const expected = {
    name: 'sensor-1',
    profile: 'Sensor',
    installed: { firmware: { title: 'app', version: '1.3.0' } },
    operation: {
      state: 'DOWNLOADING',
      release: { title: 'app', version: '1.4.0' },
      progress: 40,
      error: null,
      because: 'the device said so',
    },
  }
  expect(await json('device', 'show', 'sensor-1')).toMatchObject(expected)
  expect(await json('status', device.name)).toMatchObject(expected)
  const { history } = await json('status', 'sensor-1', '--history')
  expect(history).toEqual([operation])
})

test('the status of a device says what, why and how far', async () => {
  const { updraft } = await start()
  const { stdout } = await updraft('status', 'sensor-1', '--history')
  expect(stdout).toMatchInlineSnapshot(`
    "Device   sensor-1
    Profile  Sensor
    Seen     never

    firmware
      Runs        app@1.3.0
      Should run  app@1.4.0
      Because     profile Sensor is assigned it
      Update      app@1.4.0
      State       ↓ downloading 40 %
      Reason      the device said so
      Since       3 min ago

    app@1.4.0 (firmware)  3 min ago
      When       State          Progress  Reason
      3 min ago  ◷ waiting           0 %  profile Sensor is assigned it
      3 min ago  ↓ downloading       0 %  so
    "
  `)
})

test('a device nothing is known of says so', async () => {
  const { updraft, world, profile } = await start()
  world.devices.push(makeDevice({ name: 'new', profile }))
  const { stdout } = await updraft('status', 'new')
  expect(stdout).toContain('No package is meant for it')
})

test('the status of the fleet counts states and names the devices', async () => {
  const { updraft, json, world, profile, release } = await start()
  const device = makeDevice({ name: '屋根', profile })
  world.devices.push(device)
  const operation = makeOperation({ device, release, state: 'FAILED', error: 'out of space' })
  give(world, device, operation)
  const { stdout } = await updraft('status')
  expect(stdout).toMatchInlineSnapshot(`
    "2 devices   ↓ downloading 1   ✗ failed 1

    Name      Runs       Update     State               Reason
    sensor-1  app@1.3.0  app@1.4.0  ↓ downloading 40 %  the device said so
    屋根      –          app@1.4.0  ✗ failed            out of space
    "
  `)
  expect(await json('status')).toMatchObject({ overview: { devices: 2 }, items: [{}, {}] })
})

test('what needs a hand is said in front of how the update ended', async () => {
  const { updraft, world, device, release } = await start()
  const operation = makeOperation({ device, release, state: 'FAILED', error: 'boom' })
  const reason = { code: 'nothing.needs-attention', message: 'it failed three times' }
  give(world, device, operation, { verdict: 'nothing', because: reason.message, reason })
  expect((await updraft('device', 'list')).stdout).toContain('☞ needs attention')
  expect((await updraft('status', 'sensor-1')).stdout).toContain('it failed three times')
})

test('a device that a policy keeps back is told so, unless another update is under way', async () => {
  const { updraft, world, device, release, profile } = await start()
  const reason = { code: 'deferred.rate', message: 'app@1.4.0 is held back' }
  const held = { verdict: 'nothing', because: reason.message, reason, policy: release } as const
  const waiting = makeDevice({ name: 'waiting', profile })
  world.devices.push(waiting)
  give(world, waiting, makeOperation({ device: waiting, release, state: 'UPDATED' }), held)
  give(world, device, makeOperation({ device, release, state: 'UPDATING' }), held)
  const { stdout } = await updraft('status')
  expect(stdout).toMatch(/waiting +– +app@1\.4\.0 +\S+ held back +app@1\.4\.0 is held back\n/)
  expect(stdout).toMatch(/sensor-1 .*installing.*the device said so\n/)
})

test('a device is removed and given a new token by name', async () => {
  const { json, world, device } = await start()
  expect(await json('device', 'token', 'sensor-1', '--token', 'new')).toEqual({
    id: device.id,
    name: 'sensor-1',
    token: 'new',
  })
  await json('device', 'remove', 'sensor-1')
  expect(world.devices).toEqual([])
})

test('a release is assigned and withdrawn, for its own component type', async () => {
  const { updraft, json, server, world, release, profile, device } = await start()
  world.releases.push(makeRelease({ title: '@acme/ui', version: '2', type: 'software' }))
  expect((await updraft('assign', 'app@1.4.0', '--profile', 'Sensor')).stdout).toBe(
    'Assigned firmware app@1.4.0 to profile Sensor (0 devices).\n',
  )
  expect(server.calls.at(-1)).toMatchObject({
    name: 'assignToProfile',
    params: { id: profile.id, type: 'firmware' },
    body: { releaseId: release.id },
  })
  expect(await json('assign', '@acme/ui@2', '--device', 'sensor-1')).toMatchObject({
    scope: 'device',
    type: 'software',
  })
  await json('unassign', '--device', 'sensor-1', '--type', 'software')
  expect(server.calls.at(-1)).toMatchObject({
    name: 'unassignFromDevice',
    params: { id: device.id, type: 'software' },
  })
})

test('how it is to be brought is said with the assignment, and forced later', async () => {
  const { updraft, json, server, world, device } = await start()
  const assigned = ['assign', 'app@1.4.0', '--device', 'sensor-1']
  expect(await json(...assigned, '--download-only')).toMatchObject({
    handling: { isDownloadOnly: true, urgency: null },
  })
  await json(...assigned, '--soft', '--windows', '22:00-04:00')
  expect(server.calls.at(-1)).toMatchObject({
    body: { handling: { urgency: 'soft', windows: '22:00-04:00' } },
  })
  await json(...assigned, '--forced-from', '2026-07-01T22:00:00Z')
  expect(server.calls.at(-1)).toMatchObject({
    body: { handling: { urgency: 'soft', forcedFrom: '2026-07-01T22:00:00.000Z' } },
  })
  expect((await updraft(...assigned, '--forced', '--soft')).stderr).toMatch(/either --forced or/)
  expect(world.operations.some(({ deviceId }) => deviceId === device.id)).toBe(true)
  expect((await updraft('force', 'sensor-1')).stdout).toBe(
    'app@1.4.0 is a must for sensor-1 now.\n',
  )
})

test('what is under way is cancelled, what has ended is tried again', async () => {
  const { updraft, json, world, server, device, release } = await start()
  expect(await json('cancel', 'sensor-1')).toMatchObject({ state: 'CANCELED' })
  const refused = await updraft('retry', 'sensor-1')
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toMatch(/^No update of sensor-1 has failed/)
  const failed = makeOperation({ device, release, state: 'FAILED' })
  give(world, device, failed)
  await json('retry', 'sensor-1', '--type', 'firmware')
  expect(server.calls.at(-1)).toMatchObject({ name: 'retryOperation', params: { id: failed.id } })
})

test('of several updates under way the type says which is meant', async () => {
  const { updraft, json, world, server, device } = await start()
  const ui = makeRelease({ title: 'ui', version: '2', type: 'software' })
  const operation = makeOperation({ device, release: ui, state: 'QUEUED' })
  give(world, device, operation)
  const unclear = await updraft('cancel', 'sensor-1')
  expect(unclear.code).toBe(2)
  expect(unclear.stderr).toContain('--type (firmware, software)')
  await json('cancel', 'sensor-1', '--type', 'software')
  expect(server.calls.at(-1)?.params.id).toBe(operation.id)
})

test('a package at a URL is added without an upload', async () => {
  const { json, server } = await start()
  const url = 'https://example.com/ui.bin'
  const words = ['package', 'add', '--url', url, '--title', 'ui', '--version', '2', '--size', '9']
  const release = await json(...words, '--profile', 'Sensor', '--type', 'software', '--tag', 'x')
  expect(release).toMatchObject({ title: 'ui', type: 'software', url, sizeBytes: 9, tag: 'x' })
  expect(server.calls.map(({ name }) => name)).not.toContain('uploadArtifact')
})

test('packages are listed, shown and removed', async () => {
  const { updraft, json, world } = await start()
  expect((await updraft('package', 'list')).stdout).toBe(
    'Package  Version  Type      Profile  Size  Tag  Added\napp      1.4.0    firmware  Sensor      –  –    3 min ago\n',
  )
  expect(await json('package', 'show', 'app@1.4.0')).toMatchObject({ title: 'app' })
  await json('package', 'remove', 'app@1.4.0')
  expect(world.releases).toEqual([])
})

test('a token is revoked by its name or its id', async () => {
  const { updraft, json, world } = await start()
  expect(await json('token', 'create', 'ci')).toMatchObject({ name: 'ci', token: 'shown-once' })
  await json('token', 'revoke', 'ci')
  expect(world.tokens[0]?.revokedAt).not.toBeNull()
  expect((await updraft('token', 'revoke', 'ci')).code).toBe(1)
  const [one, two] = [makeToken('twin'), makeToken('twin')]
  world.tokens.push(one, two)
  expect((await updraft('token', 'revoke', 'twin')).code).toBe(2)
  await json('token', 'revoke', two.id)
  expect(two.revokedAt).not.toBeNull()
  expect((await json('token', 'list')).items.length).toBe(3)
})

test('settings are shown with who set them, changed, and given back to the server', async () => {
  const { updraft, json, server } = await start()
  expect((await updraft('settings', 'set', 'maxRetries=3', 'pacePackSize=7')).stdout).toMatch(
    /maxRetries +3 +this tenant +how often .*\npacePackSize +7 +this tenant/,
  )
  expect(server.calls.at(-1)?.body).toEqual({ maxRetries: 3, pacePackSize: 7 })
  await json('settings', 'set', 'maxRetries=default')
  expect(server.calls.at(-1)?.body).toEqual({ maxRetries: null })
  expect(await json('settings', 'show')).toMatchObject({
    inForce: { maxRetries: 5, pacePackSize: 7 },
    own: { maxRetries: null, pacePackSize: 7 },
  })
})

test.each([
  ['no name that is known', 'retries=3', 'there are silenceDeadlineSeconds, maxRetries,'],
  ['no value', 'maxRetries', 'Write maxRetries=NUMBER, or maxRetries=default.'],
  ['a value that is no number', 'maxRetries=many', 'Write maxRetries=NUMBER'],
  ['two values', 'maxRetries=3=4', 'Write maxRetries=NUMBER'],
])('a setting with %s is asked for again', async (_, words, hint) => {
  const { updraft, server } = await start()
  const { code, stderr } = await updraft('settings', 'set', words)
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(hint) })
  expect(server.calls).toEqual([])
})

test('the audit log says who did what', async () => {
  const { updraft, json, world, device } = await start()
  world.events.push(
    makeEvent({
      actor: { kind: 'device', id: device.id, name: 'sensor-1', from: null, via: null },
      subject: { kind: 'operation', id: randomUUID(), name: 'app@1.4.0' },
      deviceId: device.id,
      data: { state: 'FAILED' },
    }),
  )
  const { stdout } = await updraft('audit', '--device', 'sensor-1')
  expect(stdout).toMatch(/3 min ago\s+sensor-1\s+–\s+operation app@1.4.0\s+✗ failed/)
  expect((await json('audit', '--limit', '1')).items.length).toBe(1)
})

test('the audit log says what was refused to whom, from where and why', async () => {
  const { updraft, world } = await start()
  world.events.push(makeEvent(REFUSED))
  const { stdout } = await updraft('audit')
  expect(stdout).toMatch(
    /eve\s+203\.0\.113\.7\s+device pump, =1\s+–\s+refused removeDevice: A viewer may not\./,
  )
})

test('the audit log is asked in its own words', async () => {
  const { json, updraft, server } = await start()
  const words = ['--kind', 'action', '--actor', 'eve', '--result', 'refused', '--search', 'pump']
  await json('audit', ...words, '--since', '2026-03-01', '--until', '2026-03-02T01:00+01:00')
  expect(server.calls.at(-1)?.query).toMatchObject({
    kind: 'action',
    actor: 'eve',
    result: 'refused',
    search: 'pump',
    since: '2026-03-01T00:00:00.000Z',
    until: '2026-03-02T00:00:00.000Z',
  })
  expect((await updraft('audit', '--since', 'yesterday')).code).toBe(2)
})

test('the audit log comes out whole, page by page, as lines of CSV or JSON', async () => {
  const { updraft, world, server } = await start()
  for (let count = 0; count < 501; count += 1) world.events.push(makeEvent(REFUSED))
  const csv = (await updraft('audit', '--as', 'csv')).stdout.split('\n')
  expect(csv).toHaveLength(1 + 501 + 1)
  expect(csv[0]).toMatch(/^at,kind,result,actorKind,actor,from,via,/)
  expect(csv[1]).toContain(',eve,203.0.113.7,token CI,device,,"pump, =1",')
  expect(server.calls.filter(({ name }) => name === 'listEvents')).toHaveLength(2)
  const ndjson = (await updraft('audit', '--as', 'ndjson', '--limit', '3')).stdout
  expect(
    ndjson
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).actor.via),
  ).toEqual(['token CI', 'token CI', 'token CI'])
})

const REFUSED = {
  kind: 'action.refused',
  actor: { kind: 'operator', id: randomUUID(), name: 'eve', from: '203.0.113.7', via: 'token CI' },
  result: 'refused',
  reason: { code: 'access.denied', message: 'A viewer may not.' },
  subject: { kind: 'device', id: '', name: 'pump, =1' },
  data: { action: 'removeDevice' },
} satisfies Partial<Event>
