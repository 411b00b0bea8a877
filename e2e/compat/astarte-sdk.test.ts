/** Astarte's own SDK for Python, from PyPI and as it is, against the running platform. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { INTERFACES } from '@updraft/wire/edgehog'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonWith } from '../../tools/services.mjs'
import { newAstarteId, type Realm } from '../astarte-device.ts'
import { random } from '../firmware.ts'
import { assignOwn } from '../own-release.ts'
import { type TestPlatform, testPlatform } from '../platform.ts'
import { python } from '../python.ts'
import { testRealm } from '../realm.ts'

const sdk = await pythonWith('astarte-device-sdk')
const OTA_REQUEST = 'io.edgehog.devicemanager.OTARequest'

let platform: TestPlatform
let realm: Realm
let interfaces: string
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
  realm = await testRealm(platform, 'pump')
  interfaces = join(platform.dataFolder, 'interfaces')
  await mkdir(interfaces)
  for (const each of INTERFACES) {
    await writeFile(join(interfaces, `${each.interface_name}.json`), JSON.stringify(each))
  }
})
afterAll(() => platform.stop())

/** It keeps its key, certificate and properties in the folder it runs in. */
const run = (...args: readonly string[]) =>
  python(sdk ?? '', { name: 'astarte_sdk', args, cwd: platform.dataFolder })

describe.skipIf(!sdk)("Astarte's own SDK", () => {
  test('registers, is asked for an update, tells of it, and comes back with what it runs then', async () => {
    const id = newAstarteId()
    const at = [realm.url, realm.realm]
    const secret = String(await run('register', ...at, realm.agentToken, id).next())
    const device = [...at, secret, id]
    expect(await platform.device(id)).toMatchObject({ profile: 'pump' })

    const updating = run('update', ...device, '1.0.0', interfaces)
    expect(await updating.next()).toBe('connected')
    await platform.until(id, ({ installed }) => installed.firmware?.version === '1.0.0')
    expect(await platform.device(id)).toMatchObject({
      dialect: 'edgehog',
      inventory: { serialNumber: 'SN-1', hardwareInfo: { mem: { totalBytes: 1024 } } },
    })
    await assignOwn(platform, id, { version: '2.0.0', bytes: random(100) })
    const asked = await updating.next()
    expect(asked).toEqual([
      OTA_REQUEST,
      '/request',
      { operation: 'Update', url: expect.stringMatching(/\/2\.0\.0$/), uuid: expect.any(String) },
    ])
    expect(await updating.next()).toEqual({ disconnected: 0 })
    await updating.ended
    await platform.until(id, ({ operation }) => operation?.state === 'UPDATING')

    const [, , { uuid }] = asked as [string, string, { uuid: string }]
    const back = run('report', ...device, '2.0.0', interfaces, uuid)
    expect(await back.next()).toBe('connected')
    await back.ended
    await platform.until(id, ({ operation }) => operation?.state === 'UPDATED')
    expect((await platform.device(id)).installed.firmware?.version).toBe('2.0.0')
  })
})
