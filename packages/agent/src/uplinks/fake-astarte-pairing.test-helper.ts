/** The pairing API of an Astarte as docs/dialects/edgehog.md, "Pairing", describes it, with an authority of its own. */
import { createHash, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { bodyOf } from '../fake-server.test-helper.ts'

export const REALM = 'test'
export const AGENT_TOKEN = 'may.register.devices'
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000

async function library() {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

interface Registered {
  secret: string
  isConfirmed: boolean
  certificate: string | null
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly body: string
}

export class FakePairing {
  readonly devices = new Map<string, Registered>()
  readonly asked: Asked[] = []
  /** Says of every certificate that it is not good. */
  isEveryCertificateBad = false
  isInhibited = false
  brokerUrl = ''
  authority = ''
  /** For the broker, made out to 127.0.0.1. */
  server = { certificate: '', key: '' }
  #sign: (name: string, key: webcrypto.CryptoKey, isServer?: boolean) => Promise<string> = () =>
    Promise.reject(new Error('no authority yet'))

  async makeAuthority(): Promise<void> {
    const x509 = await library()
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const from = new Date(Date.now() - DAY_MS)
    const validity = { notBefore: from, notAfter: new Date(Date.now() + DAY_MS) }
    const authority = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=An authority of a test',
      ...validity,
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    })
    this.authority = authority.toString('pem')
    this.#sign = async (name, publicKey, isServer = false) => {
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: randomBytes(8).toString('hex').replace(/^./, '4'),
        subject: new x509.Name([{ CN: [{ utf8String: name }] }]),
        issuer: authority.subject,
        ...validity,
        publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: isServer
          ? [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])]
          : [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
      })
      return certificate.toString('pem')
    }
    const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey))
    this.server = {
      certificate: await this.#sign('127.0.0.1', own.publicKey, true),
      key: `-----BEGIN PRIVATE KEY-----\n${key.toString('base64')}\n-----END PRIVATE KEY-----\n`,
    }
  }

  /** Who shows that certificate; null when it is not the one the device was given last. */
  idOf(der: Buffer): string | null {
    const shown = new X509Certificate(der)
    const { CN } = shown.toLegacyObject().subject
    const id = String(CN).split('/')[1] ?? ''
    const given = this.devices.get(id)?.certificate
    return given && new X509Certificate(given).fingerprint256 === shown.fingerprint256 ? id : null
  }

  /** The status and the answer; undefined when it is none of the API's paths. */
  async answer(request: IncomingMessage): Promise<[number, object] | undefined> {
    const { url: path = '', method = '' } = request
    if (!path.startsWith('/pairing/v1/')) return undefined
    const body = await bodyOf(request)
    this.asked.push({ method, path, body })
    const bearer = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    const base = `/pairing/v1/${REALM}`
    if (path === `${base}/agent/devices`) return this.#register(bearer, body)
    const [, id = '', rest = ''] = /\/devices\/([^/]+)(.*)$/.exec(path) ?? []
    const device = this.devices.get(id)
    if (!device || device.secret !== bearer) return [403, refusal('Forbidden')]
    switch (rest) {
      case '':
        return [200, { data: this.#about(device) }]
      case '/protocols/astarte_mqtt_v1/credentials':
        return [201, { data: { client_crt: await this.#certify(id, device, body) } }]
      case '/protocols/astarte_mqtt_v1/credentials/verify':
        return [200, { data: this.#verify(device, body) }]
      default:
        return [404, refusal('Not found')]
    }
  }

  #register(bearer: string, body: string): [number, object] {
    if (bearer !== AGENT_TOKEN) return [401, refusal('Unauthorized')]
    const { hw_id: id } = JSON.parse(body).data as { hw_id: string }
    if (this.devices.get(id)?.isConfirmed) {
      return [422, { errors: { device: ['Device already registered'] } }]
    }
    const secret = createHash('sha256').update(randomBytes(32)).digest('base64')
    this.devices.set(id, { secret, isConfirmed: false, certificate: null })
    return [201, { data: { credentials_secret: secret } }]
  }

  #about(device: Registered): object {
    const status = this.isInhibited ? 'inhibited' : device.isConfirmed ? 'confirmed' : 'pending'
    return {
      version: '1.2.0',
      status,
      protocols: { astarte_mqtt_v1: { broker_url: this.brokerUrl } },
    }
  }

  async #certify(id: string, device: Registered, body: string): Promise<string> {
    const x509 = await library()
    const request = new x509.Pkcs10CertificateRequest(JSON.parse(body).data.csr)
    if (!(await request.verify())) throw new Error('The request is not signed with its own key.')
    device.isConfirmed = true
    device.certificate = await this.#sign(`${REALM}/${id}`, await request.publicKey.export())
    return device.certificate
  }

  #verify(device: Registered, body: string): object {
    const timestamp = new Date().toISOString()
    const isGood = JSON.parse(body).data.client_crt === device.certificate
    return isGood && !this.isEveryCertificateBad
      ? { valid: true, timestamp, until: timestamp }
      : { valid: false, timestamp, cause: 'EXPIRED', details: null }
  }
}

const refusal = (detail: string): object => ({ errors: { detail } })
