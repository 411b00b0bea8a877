/** Devices of other languages beside one that a test is about: each comes once, and does what it is told. */
import { runs, testDevice } from './device.ts'

/** A device that comes once, does what it is told, and says how it went. */
export type Come = () => Promise<unknown>

interface Reached {
  readonly url: string
  readonly token: string
}

/** Of our own language. */
export function ownDevice({ url, token }: Reached, install: () => Promise<boolean>): Come {
  const own = testDevice(url, token)
  return async () => {
    const { body } = await own.checkIn()
    const [offer] = body.offers
    if (!offer) return
    const isWell = await install()
    if (isWell) await own.checkIn(runs(`${offer.title}@${offer.version}`))
    else await own.report(offer.operation, { state: 'FAILED' })
  }
}

export function thingsBoardDevice({ url, token }: Reached, install: () => Promise<boolean>): Come {
  const things = `${url}/api/v1/${token}`
  const tell = (said: object) =>
    fetch(`${things}/telemetry`, { method: 'POST', body: JSON.stringify(said) })
  return async () => {
    const shared = await fetch(`${things}/attributes?sharedKeys=fw_title,fw_version`)
    const said = (await shared.json()) as { shared?: Record<string, string> }
    const { fw_title: title, fw_version: version } = said.shared ?? {}
    if (!version) return
    const isWell = await install()
    await tell(
      isWell
        ? { current_fw_title: title, current_fw_version: version, fw_state: 'UPDATED' }
        : { fw_state: 'FAILED', fw_error: 'worn out' },
    )
  }
}
