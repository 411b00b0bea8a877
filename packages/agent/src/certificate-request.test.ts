import { execFileSync } from 'node:child_process'
import { createPrivateKey, sign, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { hasCommand } from '../../../tools/services.mjs'
import { requestCertificate } from './certificate-request.ts'

const openssl = (request: string, ...args: string[]) =>
  execFileSync('openssl', ['req', '-noout', ...args], { input: request, stdio: 'pipe' }).toString()

test.skipIf(!hasCommand('openssl'))(
  'a request is one that OpenSSL reads, signed with its own key',
  async () => {
    const { request } = await requestCertificate('test/kIu2MiMuS_qIFbgv1nNDFw')
    const about = openssl(request, '-subject', '-text')
    expect(about).toContain('CN = test/kIu2MiMuS_qIFbgv1nNDFw')
    expect(about).toContain('ASN1 OID: prime256v1')
    expect(() => openssl(request, '-verify')).not.toThrow()
  },
)

test.skipIf(!hasCommand('openssl'))('a long name makes lengths of more than a byte', async () => {
  const { request } = await requestCertificate(`r${'e'.repeat(300)}`)
  expect(() => openssl(request, '-verify')).not.toThrow()
})

test('the key is new each time', async () => {
  const [one, other] = [await requestCertificate('a'), await requestCertificate('a')]
  expect(one.key).not.toBe(other.key)
  const signed = sign('sha256', Buffer.from('x'), createPrivateKey(one.key))
  expect(verify('sha256', Buffer.from('x'), one.key, signed)).toBe(true)
  expect(verify('sha256', Buffer.from('x'), other.key, signed)).toBe(false)
})
