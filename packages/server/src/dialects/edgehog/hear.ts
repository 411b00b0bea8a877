/** What a device says of its updates, carried to the desk: the same over every carrier. */
import { DomainError, NO_FACTS, type Snapshot } from '@updraft/core'
import type { OtaEvent } from '@updraft/wire/edgehog'
import type { DeviceDesk } from '../../app/device-desk.ts'
import { isLastWord, reportOf } from './translate.ts'

export interface Hearing {
  readonly desk: Pick<
    DeviceDesk,
    'report' | 'wasAskedAgain' | 'cancelsOwed' | 'cancelAnswered' | 'notice'
  >
  readonly log: { info(details: object, message: string): void }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const MAX_TEXT_LENGTH = 100

/**
 * Answers whether the device is free for something else now. Of an update it was never asked for, or that is another
 * device's, nothing is made but a note for operators: it would say so again and again if it were refused.
 */
export async function hearEvent(
  device: Snapshot,
  event: OtaEvent,
  { desk, log }: Hearing,
): Promise<boolean> {
  const { uuid: operationId, status, word } = event
  const said = reportOf(event)
  const report =
    said.isBusy && UUID.test(operationId)
      ? { ...said, ...(await whatHoldsIt(device, operationId, desk)) }
      : said
  try {
    if (!UUID.test(operationId)) throw strange()
    const { heard } = await desk.report(device, { operationId }, report, NO_FACTS)
    const { name } = device.device
    log.info({ device: name, operation: operationId, word, outcome: heard?.outcome }, 'reported')
    if (!isLastWord(status) || !heard) return false
    // Its last word counts also when an operator had cancelled meanwhile: there is nothing left to stop.
    if (heard.operation.state === 'CANCELED') await desk.cancelAnswered(device, operationId)
    return true
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'operation.unknown') throw error
    const { code, message } = error
    const data = {
      operation: operationId.slice(0, MAX_TEXT_LENGTH),
      report: word.slice(0, MAX_TEXT_LENGTH),
    }
    await desk.notice(device, { kind: 'report.ignored', data, reason: { code, message } })
    return false
  }
}

const whatHoldsIt = async (device: Snapshot, operationId: string, desk: Hearing['desk']) => ({
  isAskedAgain: await desk.wasAskedAgain(device, operationId),
  isAtAnother: (await desk.cancelsOwed(device)).length > 0,
})

const strange = () => new DomainError('operation.unknown', 'No operation has such an id.')
