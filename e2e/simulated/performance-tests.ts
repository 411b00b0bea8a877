/**
 * A device of ThingsBoard's performance-tests: waits to be told, fetches large chunks at quality 0 until one is
 * empty, and says all four states that are left at once [How clients count].
 */
import { welcomed } from '@updraft/server/transports/mqtt-client.test-helper'

const CHUNK_BYTES = 51_200
const TELEMETRY = 'v1/devices/me/telemetry'
const ATTRIBUTES = 'v1/devices/me/attributes'

/** Resolves with the file once the last of its words is acknowledged. */
export async function performanceTestDevice(its: {
  host: string
  port: number
  token: string
}): Promise<Buffer> {
  const device = await welcomed({ host: its.host, port: its.port, username: its.token })
  await device.subscribe(ATTRIBUTES)
  const told = JSON.parse(`${(await device.message(ATTRIBUTES)).payload}`)
  const tell = (words: object) => device.publish(TELEMETRY, JSON.stringify(words), 1)
  await tell({ fw_state: 'DOWNLOADING' })
  const chunks: Buffer[] = []
  do {
    const index = chunks.length
    void device.publish(`v2/fw/request/1/chunk/${index}`, String(CHUNK_BYTES))
    chunks.push((await device.message(`v2/fw/response/1/chunk/${index}`)).payload)
  } while (chunks.at(-1)?.length !== 0)
  const installed = { current_fw_title: told.fw_title, current_fw_version: told.fw_version }
  await Promise.all([
    tell({ fw_state: 'DOWNLOADED' }),
    tell({ fw_state: 'VERIFIED' }),
    tell({ fw_state: 'UPDATING' }),
    tell({ fw_state: 'UPDATED', ...installed }),
  ])
  device.end()
  return Buffer.concat(chunks)
}
