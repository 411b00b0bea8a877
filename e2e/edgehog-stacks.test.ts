/** Other houses' clients of MQTT as devices of Astarte: paho from Debian, and mosquitto's programs. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hasCommand, pahoFolder } from '../tools/services.mjs'
import { AstarteDevice, type Realm } from './astarte-device.ts'
import { random } from './firmware.ts'
import { assignOwn } from './own-release.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { python } from './python.ts'
import { testRealm } from './realm.ts'

const call = promisify(execFile)
const paho = await pahoFolder()

let platform: TestPlatform
let realm: Realm
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
  realm = await testRealm(platform, 'pump')
})
afterAll(() => platform.stop())

/** Its key and certificate as files, and where to go with them. */
async function paired() {
  const device = await AstarteDevice.paired(realm)
  const folder = join(platform.dataFolder, device.id)
  await mkdir(folder)
  const [certificate, key] = [join(folder, 'certificate'), join(folder, 'key')]
  await writeFile(certificate, device.certificate)
  await writeFile(key, device.key)
  const { body } = await device.about()
  const { hostname, port } = new URL(body.data.protocols.astarte_mqtt_v1.broker_url)
  return { device, certificate, key, hostname, port }
}

test.skipIf(!paho)(
  'paho: no client id, a session that is kept, and a line that takes over',
  async () => {
    const { device, certificate, key, hostname, port } = await paired()
    const args = [hostname, port, device.name, certificate, key]
    const cwd = platform.dataFolder
    const running = python('python3', { name: 'paho_astarte', args, cwd, modules: paho })
    expect(await running.next()).toEqual([0, 0])
    expect(await running.next()).toEqual([2, 2, 128])
    expect(await running.next()).toEqual(['/control/consumer/properties', 2, '00000000'])
    expect(await running.next()).toEqual([0, 0])
    expect(await running.next()).toEqual([2, 2])
    expect(await running.next()).toEqual([0, 1])
    expect(await running.next()).toBe('waiting')
    await assignOwn(platform, device.id, { version: '2.0.0', bytes: random(100) })
    expect(await running.next()).toEqual(['/io.edgehog.devicemanager.OTARequest/request', 0])
    expect(await running.next()).toEqual([0, 0])
    expect(await running.next()).toBe(true)
    await running.ended
  },
)

test.skipIf(!hasCommand('mosquitto_pub'))(
  'mosquitto: one program listens with the certificate, and one speaks',
  async () => {
    const { device, certificate, key, hostname, port } = await paired()
    const authority = join(platform.dataFolder, 'authority.pem')
    const { certificate: pem } = await platform.api('showDeviceAuthority', {})
    await writeFile(authority, pem)
    const shown = ['--cert', certificate, '--key', key, '--cafile', authority]
    const at = ['-h', hostname, '-p', port, ...shown, '-V', 'mqttv311']
    const tell = (suffix: string, ...what: string[]) =>
      call('mosquitto_pub', [...at, '-q', '2', '-t', `${device.name}${suffix}`, ...what])
    const property = join(platform.dataFolder, 'property')
    await tell('', '-m', 'io.edgehog.devicemanager.BaseImage:0:1')
    await writeFile(property, Buffer.from('1200000002760006000000312e302e300000', 'hex'))
    await tell('/io.edgehog.devicemanager.BaseImage/version', '-f', property)
    await platform.until(device.id, ({ installed }) => installed.firmware?.version === '1.0.0')
    // Who listens and says that it knows nothing is told what is set for it, in the same line.
    const topic = `${device.name}/control/consumer/properties`
    const asking = ['-t', `${device.name}/control/emptyCache`, '-e', topic, '-m', '1']
    const { stdout } = await call('mosquitto_rr', [...at, '-q', '2', '-W', '20', '-N', ...asking], {
      encoding: 'buffer',
    })
    expect(stdout.subarray(0, 4).toString('hex')).toBe('00000000')
    // Without a certificate nobody is let in.
    const bare = ['-h', hostname, '-p', port, '--cafile', authority, '-t', 'x', '-m', 'x']
    await expect(call('mosquitto_pub', bare)).rejects.toThrow()
  },
)
