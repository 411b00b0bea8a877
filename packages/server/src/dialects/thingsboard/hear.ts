/** What ThingsBoard's devices say, carried to the desk: the same over every transport. */
import { DomainError, type JsonObject, type Report, type Snapshot } from '@updraft/core'
import { ProvisionRequest, type ProvisionResponse, readings } from '@updraft/wire/thingsboard'
import type { DeviceDesk } from '../../app/device-desk.ts'
import { saidIn } from './translate.ts'

export const NAME = 'thingsboard'

/** A report that was heard, for the log. */
export interface Heard {
  readonly operation: string | undefined
  readonly state: Report['state']
  readonly outcome: string
}

/**
 * Readings in the order they came: the order of states is theirs, not that of the device's clock. Refuses with
 * request.malformed when the body has none of the known shapes; none at all is an empty one.
 */
export async function hearTelemetry(
  desk: DeviceDesk,
  { token, device, body }: { token: string; device: Snapshot; body: unknown },
  onHeard: (heard: Heard) => void,
): Promise<void> {
  const told = readings(body === undefined ? {} : body)
  if (!told)
    throw new DomainError('request.malformed', 'The telemetry has none of the known shapes.')
  for (const [index, { type, report, facts }] of told.flatMap(saidIn).entries()) {
    if (!report) {
      // What the message said before may have changed what is known of the device.
      const current = index === 0 ? device : await desk.identify(token, NAME)
      await desk.checkIn(current, facts, { tells: false })
      continue
    }
    const { heard } = await desk.report(device, { type }, report, facts)
    const outcome = heard?.outcome ?? 'stray'
    onHeard({ operation: heard?.operation.id, state: report.state, outcome })
  }
}

/** The device's own attributes; refuses with request.malformed when they are no object. */
export async function hearAttributes(
  desk: DeviceDesk,
  { device, body }: { device: Snapshot; body: unknown },
): Promise<void> {
  const attributes = objectOf(body === undefined ? {} : body)
  // Some firmware tells what it runs as attributes; that is heard like telemetry.
  const installed = Object.assign({}, ...saidIn(attributes).map(({ facts }) => facts.installed))
  const facts = { installed, inventoryChanges: withoutNulls(attributes) }
  await desk.checkIn(device, facts, { tells: false })
}

/** Answers a status whatever the outcome: clients read it from the body [Provisioning]. */
export async function provision(desk: DeviceDesk, body: unknown): Promise<ProvisionResponse> {
  const parsed = ProvisionRequest.safeParse(body)
  if (!parsed.success) {
    const [where = 'body'] = parsed.error.issues[0]?.path ?? []
    return { status: 'FAILURE', errorMsg: `The ${String(where)} is missing or no text.` }
  }
  const { provisionDeviceKey: key, provisionDeviceSecret: secret } = parsed.data
  const name = parsed.data.deviceName || undefined
  const token = parsed.data.token || undefined
  const credentialsType = parsed.data.credentialsType || 'ACCESS_TOKEN'
  if (credentialsType !== 'ACCESS_TOKEN') {
    return {
      status: 'FAILURE',
      errorMsg: `Credentials of type ${credentialsType} are not issued here.`,
    }
  }
  try {
    const enrolled = await desk.enroll({ key, secret, name, token })
    return { status: 'SUCCESS', credentialsType, credentialsValue: enrolled.token }
  } catch (error) {
    if (!(error instanceof DomainError) || error.code === 'store.away') throw error
    const status = error.code === 'provisioning.refused' ? 'NOT_FOUND' : 'FAILURE'
    return { status, errorMsg: error.message }
  }
}

/** Clients have sent numbers in quotes; anything else that is no number is refused. */
export function wholeNumber(name: string, text: string | string[] | undefined): number {
  const digits = [text ?? ''].flat().join().replace(/["\s]/g, '')
  if (digits === '') return 0
  const value = Number(digits)
  if (/^-?\d+$/.test(digits) && Number.isSafeInteger(value)) return value
  throw new DomainError(
    'request.malformed',
    `The ${name} "${digits.slice(0, 40)}" is not a number.`,
  )
}

/** Null for a device that is not there any more. */
export function nobody(error: unknown): null {
  if (error instanceof DomainError && error.code === 'device.unknown') return null
  throw error
}

function objectOf(body: unknown): JsonObject {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as JsonObject
  throw new DomainError('request.malformed', 'Attributes are a JSON object.')
}

const withoutNulls = (values: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))
