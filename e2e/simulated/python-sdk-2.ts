/**
 * What the coming version 2.0 of ThingsBoard's SDK for Python does: subscribes to chunks by a filter that fits and
 * waits for the answer to that, needs all five keys, never says DOWNLOADING, and does not try again by itself
 * [How clients count].
 */
import { createHash } from 'node:crypto'
import { welcomed } from '@updraft/server/transports/mqtt-client.test-helper'

const KEYS = ['fw_checksum', 'fw_checksum_algorithm', 'fw_size', 'fw_title', 'fw_version']
const ATTRIBUTES = 'v1/devices/me/attributes'
const FILTER = 'v2/fw/response/+/chunk/+'

/** Looks for firmware once; answers the file, or null where it reported that it failed. */
export async function pythonSdk2(its: {
  host: string
  port: number
  token: string
  chunkBytes: number
}): Promise<Buffer | null> {
  const { host, port, token, chunkBytes } = its
  const device = await welcomed({ host, port, username: token, version: 5 })
  const tell = (words: object) =>
    device.publish('v1/devices/me/telemetry', JSON.stringify(words), 1)
  const failed = async (fw_error: string) => {
    await tell({ fw_state: 'FAILED', fw_error })
    device.end()
    return null
  }
  const [granted] = await device.subscribe(FILTER)
  if ((granted ?? 0x80) > 2) return failed(`${FILTER} is refused.`)
  await device.subscribe(ATTRIBUTES, `${ATTRIBUTES}/response/+`)
  await tell({ current_fw_title: 'Initial', current_fw_version: 'v0', fw_state: 'IDLE' })
  const sharedKeys = KEYS.join(',')
  await device.publish(`${ATTRIBUTES}/request/1`, JSON.stringify({ sharedKeys }), 1)
  const answer = JSON.parse(`${(await device.message(`${ATTRIBUTES}/response/1`)).payload}`)
  const told = answer.shared ?? {}
  if (KEYS.some((key) => told[key] === undefined)) return failed('Keys are missing.')

  let file = Buffer.alloc(0)
  for (let index = 0; file.length < told.fw_size; index++) {
    void device.publish(`v2/fw/request/1/chunk/${index}`, String(chunkBytes), 1)
    const chunk = await device.message(`v2/fw/response/1/chunk/${index}`)
    file = Buffer.concat([file, chunk.payload])
  }
  await tell({ fw_state: 'DOWNLOADED' })
  const checksum = createHash(told.fw_checksum_algorithm.toLowerCase()).update(file).digest('hex')
  if (checksum !== told.fw_checksum) return failed('The checksum is another.')
  await tell({ fw_state: 'VERIFIED' })
  await tell({ fw_state: 'UPDATING' })
  const installed = { current_fw_title: told.fw_title, current_fw_version: told.fw_version }
  await tell({ fw_state: 'UPDATED', ...installed })
  device.end()
  return file
}
