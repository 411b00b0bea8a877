/** Telemetry and client attributes, told to the desk. */
import {
  type ComponentType,
  DomainError,
  type Installed,
  type JsonObject,
  type Snapshot,
} from '@updraft/core'
import {
  FAMILIES,
  FAMILY_PREFIXES,
  familyTelemetry,
  type Reading,
  readings,
} from '@updraft/wire/thingsboard'
import type { DeviceDesk } from '../../app/device-desk.ts'
import type { MqttLog } from '../../transports/mqtt.ts'
import { type Said, saidIn } from './translate.ts'

interface Hearing {
  readonly desk: Pick<DeviceDesk, 'checkIn' | 'report'>
  /** The device as it is now. */
  readonly look: () => Promise<Snapshot>
  readonly log: MqttLog
}

/** A word about one component, in the device's own spelling; also words we do not know. */
export interface StateWord {
  readonly type: ComponentType
  readonly word: string
}

/**
 * Readings in the order they came: the order of states is theirs, not that of the device's clock. What one message
 * says is installed holds for all its states: some clients send it in a reading of its own. Answers with the words
 * for states that came. Refuses with request.malformed.
 */
export async function hearTelemetry(body: unknown, hearing: Hearing): Promise<StateWord[]> {
  const told = readings(body)
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

/** Some firmware tells what it runs as attributes; that is heard like telemetry. */
export async function hearAttributes(attributes: JsonObject, hearing: Hearing): Promise<void> {
  const device = await hearing.look()
  const installed = Object.assign({}, ...saidIn(attributes).map(({ facts }) => facts.installed))
  const inventoryChanges = Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== null),
  )
  await hearing.desk.checkIn(device, { installed, inventoryChanges }, { tells: false })
}
