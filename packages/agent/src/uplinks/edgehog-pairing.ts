/**
 * How a device comes to what it connects with (docs/dialects/edgehog.md, "Pairing"): it registers, unless it has a
 * secret, and asks for a certificate; what it has is held against the server's word each time before it is used.
 */
import { X509Certificate } from 'node:crypto'
import { type AstarteName, nameText } from '@updraft/wire/astarte'
import {
  CredentialsAnswer,
  DeviceAnswer,
  ErrorAnswer,
  PATHS,
  RegisterAnswer,
  VerifyAnswer,
} from '@updraft/wire/astarte-pairing'
import { requestCertificate } from '../certificate-request.ts'
import { exchangeText, refusal, type Trust } from '../http.ts'
import { jsonOf } from '../json.ts'
import { Away } from '../trouble.ts'
import type { Kept, KeptFile } from './edgehog-kept.ts'

export interface PairingOptions {
  /** Ends in `/pairing` by custom. */
  readonly server: string
  readonly realm: string
  readonly file: KeptFile
  /** With this a device registers by itself. */
  readonly agentToken?: () => Promise<string>
  /** What an earlier registration gave, for a device that was registered by somebody else. */
  readonly secret?: () => Promise<string>
  readonly trust: Trust
  readonly answerTimeoutMs: number
}

/** What to connect with. */
export interface Paired {
  readonly name: AstarteName
  readonly broker: URL
  readonly key: string
  readonly certificate: string
}

export class Pairing {
  readonly #options: PairingOptions

  constructor(options: PairingOptions) {
    this.#options = options
  }

  /** Asks and checks all anew. Throws Away. */
  async paired(): Promise<Paired> {
    const kept = await this.#options.file.read()
    const secretNow = await this.#secret(kept)
    try {
      return await this.#with(secretNow)
    } catch (error) {
      // Somebody has let this device register anew.
      if (!this.#options.agentToken || !isUnknown(error) || kept.secret === null) throw error
    }
    return await this.#with(await this.#register(kept))
  }

  async #with(kept: Kept): Promise<Paired> {
    const { realm } = this.#options
    const { astarteId, secret } = kept
    const path = PATHS.device(realm, astarteId)
    const { data } = await this.#ask({ path, bearer: secret, status: 200, shape: DeviceAnswer })
    if (data.status === 'inhibited') {
      throw new Away('The server keeps this device out.', { kind: 'unauthorised' })
    }
    const broker = brokerAt(data.protocols.astarte_mqtt_v1.broker_url)
    const { key, certificate } = (await this.#valid(kept)) ?? (await this.#newCredentials(kept))
    return { name: { realm, astarteId }, broker, key, certificate }
  }

  /** With the secret that was handed in, that is kept, or that a registration gives. */
  async #secret(kept: Kept): Promise<Kept> {
    const { secret } = this.#options
    if (secret) return { ...kept, secret: await secret() }
    return kept.secret === null ? await this.#register(kept) : kept
  }

  async #register(kept: Kept): Promise<Kept> {
    const { agentToken, realm, file } = this.#options
    if (!agentToken) {
      throw new Away('There is neither a secret nor a token to register with.', {
        kind: 'unauthorised',
      })
    }
    const { data } = await this.#ask({
      path: PATHS.register(realm),
      bearer: await agentToken(),
      body: { data: { hw_id: kept.astarteId } },
      status: 201,
      shape: RegisterAnswer,
    })
    const registered = { ...kept, secret: data.credentials_secret, key: null, certificate: null }
    await file.write(registered)
    return registered
  }

  /** The certificate that is kept, if it is for us and the server says it is good; null otherwise. */
  async #valid(kept: Kept): Promise<{ key: string; certificate: string } | null> {
    const { realm } = this.#options
    const { key, certificate, astarteId, secret } = kept
    if (key === null || certificate === null) return null
    if (commonNameIn(certificate) !== nameText({ realm, astarteId })) return null
    const { data } = await this.#ask({
      path: PATHS.verify(realm, astarteId),
      bearer: secret,
      body: { data: { client_crt: certificate } },
      status: 200,
      shape: VerifyAnswer,
    })
    return data.valid ? { key, certificate } : null
  }

  async #newCredentials(kept: Kept): Promise<{ key: string; certificate: string }> {
    const { realm, file, secret } = this.#options
    const name = nameText({ realm, astarteId: kept.astarteId })
    const { key, request } = await requestCertificate(name)
    const { data } = await this.#ask({
      path: PATHS.credentials(realm, kept.astarteId),
      bearer: kept.secret,
      body: { data: { csr: request } },
      status: 201,
      shape: CredentialsAnswer,
    })
    const certificate = data.client_crt
    if (commonNameIn(certificate) !== name) {
      throw new Away('The certificate is made out to somebody else.', { kind: 'refused' })
    }
    // A secret of the settings stays where it is.
    await file.write({ ...kept, secret: secret ? null : kept.secret, key, certificate })
    return { key, certificate }
  }

  async #ask<T>({ path, bearer, body, status, shape }: Question<T>): Promise<T> {
    const { server, trust, answerTimeoutMs } = this.#options
    const answer = await exchangeText({
      ...trust,
      url: server.replace(/\/+$/, '') + path,
      method: body ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      body: body && JSON.stringify(body),
      timeoutMs: answerTimeoutMs,
    })
    if (answer.status !== status) throw refused(answer)
    const found = shape.safeParse(jsonOf(answer.text))
    if (found.success) return found.data
    // A captive portal, or something else that is not the server, also answers 200.
    throw new Away('The answer is none of a pairing API.', { kind: 'busy' })
  }
}

interface Question<T> {
  readonly path: string
  readonly bearer: string | null
  /** Left out, it is only asked. */
  readonly body?: object
  /** Of the one good answer. */
  readonly status: number
  readonly shape: { safeParse(value: unknown): { success: true; data: T } | { success: false } }
}

/** What to do about it is up to somebody else: registered already, for one. */
function refused(answer: Awaited<ReturnType<typeof exchangeText>>): Away {
  const found = ErrorAnswer.safeParse(jsonOf(answer.text)).data?.errors
  const detail = found === undefined ? '' : Object.values(found).flat().join(', ').slice(0, 200)
  const away = refusal(answer, detail)
  if (![404, 422].includes(answer.status)) return away
  return new Away(away.message, { kind: 'unauthorised', status: answer.status })
}

const isUnknown = (error: unknown): boolean =>
  error instanceof Away && [401, 403, 404].includes(error.status ?? 0)

/** Others give up without a port that is written out, so we do not guess one either. */
function brokerAt(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'mqtts:' && url.port !== '') return url
  throw new Away('The server names no broker with a port.', { kind: 'refused' })
}

function commonNameIn(certificate: string): string | null {
  try {
    const { CN } = new X509Certificate(certificate).toLegacyObject().subject
    return typeof CN === 'string' ? CN : null
  } catch {
    return null
  }
}
