/** Our own programs against a server that speaks TLS with a certificate of its own authority, or of files. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { curl } from './curl.ts'
import { random } from './firmware.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { run } from './program.ts'

let platform: TestPlatform
let https: string
let folder: string
let authority: string
const bytes = random(50_000)

beforeAll(async () => {
  platform = await testPlatform()
  https = platform.url.replace('http:', 'https:')
  folder = await mkdtemp(join(tmpdir(), 'updraft-https-'))
  authority = join(folder, 'authority.pem')
  await platform.addProfile('pi')
  const release = { title: 'u-boot', version: '2.0.0', profile: 'pi', bytes }
  await platform.assign(await platform.addRelease(release), { profile: 'pi' })
})
afterAll(async () => {
  await platform.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('with a certificate of its own authority', () => {
  test('the command line knows the server by the authority it printed, and nobody else does', async () => {
    const env = { UPDRAFT_TOKEN: ADMIN_TOKEN }
    const printed = await run('updraft', ['--url', platform.url, 'realm', 'authority'], env)
    await writeFile(authority, printed.stdout)
    const ask = ['--url', https, 'profile', 'list']
    const known = await run('updraft', ask, { ...env, NODE_EXTRA_CA_CERTS: authority })
    expect(known).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('pi') })
    expect((await run('updraft', ask, env)).exitCode).not.toBe(0)
    expect((await curl('--cacert', authority, `${https}/healthz`)).status).toBe(200)
  })

  test.each(['updraft', 'thingsboard', 'hawkbit'])(
    'the agent updates, speaking %s',
    async (uplink) => {
      const name = `pi-${uplink}`
      const token = await platform.addDevice(name, 'pi')
      const script = join(folder, `${name}.sh`)
      await writeFile(script, `#!/bin/sh\ncp "$1" ${join(folder, name)}\n`)
      await chmod(script, 0o755)
      const { exitCode, stderr } = await run(
        'updraft-agent',
        [
          ...[
            '--once',
            '--server',
            https,
            '--uplink',
            uplink,
            '--state',
            join(folder, `${name}.d`),
          ],
          ...['--installed', 'firmware=u-boot@1.0.0', '--install-script', script],
          ...['--first-check-in-seconds', '0', '--device-id', name],
        ],
        { UPDRAFT_DEVICE_TOKEN: token, NODE_EXTRA_CA_CERTS: authority },
      )
      expect(stderr, stderr).not.toContain('unforeseen')
      expect(exitCode, stderr).toBe(0)
      expect(await readFile(join(folder, name))).toEqual(Buffer.from(bytes))
    },
  )
})

test('a browser that signs in within TLS is given a cookie for TLS alone', async () => {
  const cookieAt = async (url: string) => {
    const answer = await curl(
      ...['--insecure', '--include', '-X', 'POST', '-H', 'content-type: application/json'],
      ...['-d', '{"name":"eve","password":"a password of a test"}', `${url}/api/session`],
    )
    return /^set-cookie: .*$/im.exec(answer.body)?.[0] ?? answer.body
  }
  await platform.api('createOperator', {
    body: { name: 'eve', role: 'viewer', password: 'a password of a test' },
  })
  expect(await cookieAt(https)).toMatch(/; Secure/i)
  expect(await cookieAt(platform.url)).not.toMatch(/; Secure/i)
})

test('files are for HTTP and MQTT alike, and with plain HTTP off nothing else is answered', async () => {
  const own = await makeCertificate(folder, 'localhost')
  const files = { certificate: own.certificate, key: own.key, clientCa: undefined }
  const secure = await testPlatform({
    plainHttp: false,
    tls: files,
    mqttTls: { port: null, ...files },
  })
  try {
    expect(secure.url).toMatch(/^https:/)
    const trusting = ['--cacert', own.certificate]
    expect((await curl(...trusting, `${secure.url}/healthz`)).status).toBe(200)
    const plain = secure.url.replace('https:', 'http:')
    expect((await curl(`${plain}/healthz`)).status).toBe(403)
    const page = await curl('--head', '-X', 'GET', '-H', 'accept: text/html', `${plain}/devices`)
    expect(page.body).toContain(`location: ${secure.url}/devices`)
  } finally {
    await secure.stop()
  }
})
