/**
 * What the sample `mqtt_firmware_client.py` of ThingsBoard's documents does: MQTT 3.1.1, quality 0 for all, takes an
 * answer and a push alike, and puts chunks together as they come [How clients count].
 */
import { createHash } from 'node:crypto'
import { welcomed } from '@updraft/server/transports/mqtt-client.test-helper'

const ATTRIBUTES = 'v1/devices/me/attributes'
const KEYS = 'fw_checksum,fw_checksum_algorithm,fw_size,fw_title,fw_version'

/** Stays until it has updated once; answers the file. */
export async function docsMqttSample(its: {
  host: string
  port: number
  token: string
  /** 0 for the whole file at once. */
  chunkBytes: number
}): Promise<Buffer> {
  const { host, port, token, chunkBytes } = its
  const device = await welcomed({ host, port, username: token })
  const tell = (words: object) =>
    void device.publish('v1/devices/me/telemetry', JSON.stringify(words))
  void device.subscribe(`${ATTRIBUTES}/response/+`)
  void device.subscribe(ATTRIBUTES)
  void device.subscribe('v2/fw/response/+')
  tell({ current_fw_title: 'Initial', current_fw_version: 'v0' })
  void device.publish(`${ATTRIBUTES}/request/1`, JSON.stringify({ sharedKeys: KEYS }))

  let told: Record<string, string> = {}
  while (!told.fw_version) {
    const words = JSON.parse(`${(await device.message()).payload}`)
    told = words.shared ?? words
  }
  tell({ current_fw_title: 'Initial', current_fw_version: 'v0', fw_state: 'DOWNLOADING' })
  let file = Buffer.alloc(0)
  for (let index = 0; file.length !== Number(told.fw_size); index++) {
    void device.publish(`v2/fw/request/1/chunk/${index}`, chunkBytes === 0 ? '' : `${chunkBytes}`)
    // An answer that comes behind a push is no part of the file.
    const { payload } = await device.message(`v2/fw/response/1/chunk/${index}`)
    file = Buffer.concat([file, payload])
  }
  tell({ fw_state: 'DOWNLOADED' })
  const isGood = createHash('sha256').update(file).digest('hex') === told.fw_checksum
  if (!isGood) throw new Error('The checksum is another.')
  tell({ fw_state: 'VERIFIED' })
  tell({ fw_state: 'UPDATING' })
  tell({
    current_fw_title: told.fw_title,
    current_fw_version: told.fw_version,
    fw_state: 'UPDATED',
  })
  device.send({ cmd: 'disconnect' })
  await device.closed
  return file
}
