/** What ThingsBoard's devices say, carried to the desk: the same over every transport. */
import {
  type ComponentType,
  DomainError,
  type Installed,
  type JsonObject,
  type Snapshot,
} from '@updraft/core'
import {
  ClaimRequest,
  FAMILIES,
  FAMILY_PREFIXES,
  familyTelemetry,
  type Reading,
  readings,
} from '@updraft/wire/thingsboard'
import type { DeviceDesk } from '../../app/device-desk.ts'
import { type Said, saidIn } from './translate.ts'

export const NAME = 'thingsboard'

/** Who speaks, and where it is heard. */
export interface Hearing {
  readonly desk: Pick<DeviceDesk, 'checkIn' | 'report'>
  /** The device as it is now. */
  readonly look: () => Promise<Snapshot>
  readonly log: { info(details: object, message: string): void }
}

/** A word about one component, in the device's own spelling; also words we do not know. */
export interface StateWord {
  readonly type: ComponentType
  readonly word: string
}

/**
 * Readings in the order they came: the order of states is theirs, not that of the device's clock. What one message
 * says is installed holds for all its states: some clients send it in a reading of its own. Answers with the words
 * for states that came. Refuses with request.malformed when the body has none of the known shapes; none at all is an
 * empty one.
 */
export async function hearTelemetry(body: unknown, hearing: Hearing): Promise<StateWord[]> {
  const told = readings(body === undefined ? {} : body)
  if (!told)
    throw new DomainError('request.malformed', 'The telemetry has none of the known shapes.')
  const device = await hearing.look()
  const said = told.flatMap(saidIn)
  const installed = installedIn(said)
  let isFirst = true
  for (const each of said) {
    // What the message said before may have changed what is known of the device.
    await hear(isFirst || each.report ? device : await hearing.look(), each, installed, hearing)
    isFirst = false
  }
  return told.flatMap(wordsIn)
}

async function hear(
  device: Snapshot,
  { type, report, facts }: Said,
  installed: ReadonlyMap<ComponentType, Installed>,
  { desk, log }: Hearing,
): Promise<void> {
  if (!report) {
    await desk.checkIn(device, facts, { tells: false })
    return
  }
  const whole = { ...report, installed: report.installed ?? installed.get(type) }
  const { heard } = await desk.report(device, { type }, whole, facts)
  const { name } = device.device
  const operation = heard?.operation.id
  log.info(
    { device: name, operation, state: report.state, outcome: heard?.outcome ?? 'stray' },
    'reported',
  )
}

/** By component what the message as a whole says is installed, where it says all of it. */
function installedIn(said: readonly Said[]): Map<ComponentType, Installed> {
  const found = new Map<ComponentType, Installed>()
  for (const { type, report, facts } of said) {
    const told = report?.installed ?? facts.installed[type]
    if (!told) continue
    const before = found.get(type)
    found.set(type, {
      title: told.title ?? before?.title ?? null,
      version: told.version ?? before?.version ?? null,
    })
  }
  for (const [type, { title, version }] of found) {
    if (title === null || version === null) found.delete(type)
  }
  return found
}

const wordsIn = (reading: Reading): StateWord[] =>
  FAMILY_PREFIXES.flatMap((family) => {
    const word = familyTelemetry(family, reading).state
    return word === undefined ? [] : [{ type: FAMILIES[family], word: word.toUpperCase() }]
  })

/** The device's own attributes; refuses with request.malformed when they are no object. */
export async function hearAttributes(body: unknown, { desk, look }: Hearing): Promise<void> {
  const attributes = objectOf(body === undefined ? {} : body)
  // Some firmware tells what it runs as attributes; that is heard like telemetry.
  const installed = Object.assign({}, ...saidIn(attributes).map(({ facts }) => facts.installed))
  const facts = { installed, inventoryChanges: withoutNulls(attributes) }
  await desk.checkIn(await look(), facts, { tells: false })
}

/** The device as it was just identified, and looked up anew each time after that. */
export function lookAfter(desk: Pick<DeviceDesk, 'identify'>, token: string, first: Snapshot) {
  let isFirst = true
  return async (): Promise<Snapshot> => {
    if (!isFirst) return desk.identify(token, NAME)
    isFirst = false
    return first
  }
}

/** The device may be claimed by a customer for a while. Refuses with request.malformed. */
export async function hearClaim(
  body: unknown,
  { desk, look }: { desk: Pick<DeviceDesk, 'allowClaiming'>; look: () => Promise<Snapshot> },
): Promise<void> {
  const parsed = ClaimRequest.safeParse(body ?? {})
  if (!parsed.success) {
    const [where = 'message'] = parsed.error.issues[0]?.path ?? []
    throw new DomainError('request.malformed', `The ${String(where)} is not as documented.`)
  }
  const { secretKey: secret, durationMs } = parsed.data
  await desk.allowClaiming(await look(), { secret, durationMs })
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
