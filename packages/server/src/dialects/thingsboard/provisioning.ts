/** A device asks to be known, with the key and the secret of its profile: the same over every transport [Provisioning]. */
import { type CredentialDraft, DomainError, type Json } from '@updraft/core'
import {
  CREDENTIALS_TYPES,
  type CredentialsType,
  ProvisionRequest,
  type ProvisionResponse,
} from '@updraft/wire/thingsboard'
import type { DeviceDesk } from '../../app/device-desk.ts'

/** Answers a status whatever the outcome: clients read it, and the words with a no, from the body. */
export async function provision(
  desk: Pick<DeviceDesk, 'enroll'>,
  body: unknown,
): Promise<ProvisionResponse> {
  const parsed = ProvisionRequest.safeParse(body)
  if (!parsed.success) {
    const [where = 'body'] = parsed.error.issues[0]?.path ?? []
    return failure(`The ${String(where)} is missing or not what it should be.`)
  }
  const asked = parsed.data
  const credentialsType = CREDENTIALS_TYPES.find(
    (type) => type === (asked.credentialsType || 'ACCESS_TOKEN'),
  )
  if (!credentialsType) return failure(`There are no ${asked.credentialsType} credentials here.`)
  try {
    const { token } = await desk.enroll({
      key: asked.provisionDeviceKey,
      secret: asked.provisionDeviceSecret,
      name: asked.deviceName || undefined,
      credential: DRAFTS[credentialsType](asked),
      isGateway: asked.gateway ?? false,
    })
    const credentialsValue = VALUES[credentialsType](asked, token)
    return { status: 'SUCCESS', credentialsType, credentialsValue }
  } catch (error) {
    if (!(error instanceof DomainError) || error.code === 'store.away') throw error
    if (error.code !== 'provisioning.refused') return failure(error.message)
    return { status: 'NOT_FOUND', errorMsg: error.message }
  }
}

const failure = (errorMsg: string): ProvisionResponse => ({ status: 'FAILURE', errorMsg })

const DRAFTS: Readonly<Record<CredentialsType, (asked: ProvisionRequest) => CredentialDraft>> = {
  ACCESS_TOKEN: ({ token }) => ({ kind: 'token', token: token || undefined }),
  MQTT_BASIC: ({ clientId, username, password }) => ({
    kind: 'mqtt-basic',
    clientId: clientId ?? undefined,
    userName: username ?? undefined,
    password: password ?? undefined,
  }),
  X509_CERTIFICATE: ({ hash }) => ({ kind: 'x509', certificate: hash ?? '' }),
}

/** All names are there, also those that are nothing: clients index them. */
const VALUES: Readonly<
  Record<CredentialsType, (asked: ProvisionRequest, token: string | null) => Json>
> = {
  ACCESS_TOKEN: (_asked, token) => token,
  MQTT_BASIC: ({ clientId = null, username = null, password = null }) => ({
    clientId,
    userName: username,
    password,
  }),
  X509_CERTIFICATE: ({ hash = null }) => hash,
}
