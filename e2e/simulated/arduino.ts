/**
 * What ThingsBoard's SDK for Arduino and ESP-IDF does (0.15), and what its versions up to 0.9 did, by its arithmetic
 * [How clients count]: it counts one chunk more than a file without a rest has, takes a chunk only of
 * the index and length it expects, and otherwise waits and asks again.
 */
import { createHash } from 'node:crypto'
import { type SmallMqtt, smallMqtt } from './small-mqtt.ts'

export interface Arduino {
  readonly host: string
  readonly port: number
  readonly token: string
  /** What it runs, and says so when it starts. */
  readonly title: string
  readonly version: string
  /** 0.9: one id for all requests, and another filter. */
  readonly isOld?: boolean
  readonly chunkBytes?: number
  readonly timeoutMs?: number
  /** Answers that never arrive, by chunk and how often it was asked for before. */
  readonly loses?: (index: number, retries: number) => boolean
}

export interface ArduinoRun {
  readonly end: 'nothing' | 'up to date' | 'failed' | 'rebooting'
  readonly firmware: Buffer
  /** Of the largest packet that held a chunk. */
  readonly largestPacketBytes: number
  readonly requests: number
}

const KEYS = ['fw_checksum', 'fw_checksum_algorithm', 'fw_size', 'fw_title', 'fw_version']
const MAX_RETRIES = 12
/** What the buffer holds beside a chunk. */
const HEADER_BYTES = 50
const ALGORITHMS: Readonly<Record<string, string>> = {
  MD5: 'md5',
  SHA256: 'sha256',
  SHA384: 'sha384',
  SHA512: 'sha512',
}

/** Starts the device: looks for firmware once and fetches it, up to where it would reboot. */
export async function arduino(its: Arduino): Promise<ArduinoRun> {
  const mqtt = await smallMqtt(its)
  const tell = (words: object) => mqtt.publish('v1/devices/me/telemetry', JSON.stringify(words))
  const ended = (end: ArduinoRun['end'], fetched: Partial<ArduinoRun> = {}): ArduinoRun => {
    mqtt.end()
    return { firmware: Buffer.alloc(0), largestPacketBytes: 0, requests: 0, ...fetched, end }
  }
  const failed = async (why: string, fetched: Partial<ArduinoRun> = {}) => {
    tell({ fw_state: 'FAILED', fw_error: why })
    await isHeard(mqtt)
    return ended('failed', fetched)
  }

  tell({ current_fw_title: its.title, current_fw_version: its.version })
  const told = await attributes(mqtt)
  if (Object.keys(told).length === 0) return ended('nothing')
  if (KEYS.some((key) => told[key] === undefined || told[key] === null)) {
    return failed('The firmware information is missing keys.')
  }
  const { fw_title, fw_version, fw_size, fw_checksum, fw_checksum_algorithm } = told
  if (fw_title === its.title && fw_version === its.version) {
    tell({ fw_state: 'UPDATED', fw_error: '' })
    await isHeard(mqtt)
    return ended('up to date')
  }
  if (fw_title !== its.title) return failed('The firmware is not meant for this device.')
  const algorithm = ALGORITHMS[String(fw_checksum_algorithm)]
  if (!algorithm) return failed('The checksum algorithm is not supported.')

  const fetched = await fetch(mqtt, its, Number(fw_size), () =>
    tell({ fw_state: 'DOWNLOADING', fw_error: '' }),
  )
  if (!fetched.isWhole) return failed('Too many retries.', fetched)
  tell({ fw_state: 'DOWNLOADED', fw_error: '' })
  if (createHash(algorithm).update(fetched.firmware).digest('hex') !== fw_checksum) {
    return failed('The checksum is another.', fetched)
  }
  tell({ fw_state: 'UPDATING', fw_error: '' })
  await isHeard(mqtt)
  return ended('rebooting', fetched)
}

async function attributes(mqtt: SmallMqtt): Promise<Record<string, unknown>> {
  mqtt.subscribe('v1/devices/me/attributes/response/+')
  const sharedKeys = KEYS.map((key) => `${key},`).join('')
  mqtt.publish('v1/devices/me/attributes/request/1', JSON.stringify({ sharedKeys }))
  const answer = await mqtt.message()
  return JSON.parse(`${answer?.payload}`).shared ?? {}
}

/** All it says goes unacknowledged; an answer to a question shows that what was said before has been heard. */
async function isHeard(mqtt: SmallMqtt): Promise<void> {
  mqtt.publish('v1/devices/me/attributes/request/2', '{"clientKeys":"none"}')
  for (;;) {
    const answer = await mqtt.message()
    if (answer?.topic === 'v1/devices/me/attributes/response/2') return
  }
}

async function fetch(
  mqtt: SmallMqtt,
  { isOld = false, chunkBytes = 4096, timeoutMs = 5000, loses = () => false }: Arduino,
  sizeBytes: number,
  onBegun: () => void,
) {
  const id = isOld ? 0 : 1
  const count = Math.floor(sizeBytes / chunkBytes) + 1
  const chunks: Buffer[] = []
  let [requests, largestPacketBytes] = [0, 0]
  mqtt.subscribe(isOld ? 'v2/fw/response/#' : 'v2/fw/response/+')
  mqtt.buffer(chunkBytes + HEADER_BYTES)
  for (let retries = 0; chunks.length < count && retries <= MAX_RETRIES; ) {
    const index = chunks.length
    mqtt.publish(`v2/fw/request/${id}/chunk/${index}`, String(chunkBytes))
    requests += 1
    if (requests === 1) onBegun()
    const isLost = loses(index, retries)
    const wanted = {
      topic: `v2/fw/response/${id}/chunk/${index}`,
      length: Math.min(chunkBytes, sizeBytes - index * chunkBytes),
    }
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const answer = await mqtt.message(Math.max(0, deadlineMs - performance.now()))
      if (!answer) {
        retries += 1
        break
      }
      if (isLost || answer.topic !== wanted.topic || answer.payload.length !== wanted.length)
        continue
      largestPacketBytes = Math.max(largestPacketBytes, answer.packetBytes)
      chunks.push(answer.payload)
      retries = 0
      break
    }
  }
  const isWhole = chunks.length === count
  return { isWhole, firmware: Buffer.concat(chunks), largestPacketBytes, requests }
}
