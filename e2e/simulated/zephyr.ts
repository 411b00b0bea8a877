/**
 * What ThingsBoard's SDK for Zephyr does [How clients count]: it observes its attributes, starts when it knows title,
 * version and size of another firmware than it runs, and starts anew at every notification while it knows them. It
 * takes no chunk but of exactly the length it expects, gives up at an empty one, and asks for none past the end.
 */
import { client, datagram, uint } from '@updraft/server/transports/coap.test-helper'

export interface Zephyr {
  /** As `coap://host:port`. */
  readonly url: string
  readonly token: string
  /** What it runs, and says so when it starts. */
  readonly title: string
  readonly version: string
  readonly chunkBytes?: number
  /** What happens elsewhere while it downloads. */
  readonly meanwhile?: () => Promise<unknown>
}

export interface ZephyrRun {
  readonly end: 'rebooting' | 'failed'
  readonly firmware: Buffer
  readonly requests: number
  /** How often it began. */
  readonly starts: number
}

type CoapAnswer = Awaited<ReturnType<Awaited<ReturnType<typeof client>>['next']>>

/** Starts the device, and waits for firmware up to where it would reboot into it. */
export async function zephyr(its: Zephyr): Promise<ZephyrRun> {
  const { chunkBytes = 1024 } = its
  const coap = await zephyrCoap(its.url)
  const feature = (name: string) => ['api', 'v1', its.token, name]
  const tell = async (words: object) => {
    const format = { name: 'Content-Format' as const, value: Buffer.from([50]) }
    const payload = Buffer.from(JSON.stringify(words))
    await coap.ask('POST', feature('telemetry'), { options: [format], payload })
  }
  const known: { fw_title?: string; fw_version?: string; fw_size?: number } = {}
  let starts = 0
  const { promise: due, resolve: start } = Promise.withResolvers<void>()
  const hear = ({ payload }: CoapAnswer) => {
    Object.assign(known, JSON.parse(payload.toString()))
    if (known.fw_title === undefined || !known.fw_version || known.fw_size === undefined) return
    if (known.fw_title === its.title && known.fw_version === its.version) return
    starts += 1
    start()
  }

  await tell({ current_fw_title: its.title, current_fw_version: its.version })
  await coap.observe(feature('attributes'), hear)
  await due
  await tell({ fw_state: 'DOWNLOADING' })
  const { fw_title: title, fw_version: version, fw_size: sizeBytes = 0 } = known
  const pieces: Buffer[] = []
  let requests = 0
  for (let offset = 0; offset < sizeBytes; ) {
    const chunk = Math.floor(offset / chunkBytes)
    const query = [`title=${title}`, `version=${version}`, `chunk=${chunk}`, `size=${chunkBytes}`]
    const { payload } = await coap.ask('GET', ['fw', its.token], { query })
    requests += 1
    if (payload.length !== Math.min(sizeBytes - offset, chunkBytes)) {
      if (payload.length > 0) await tell({ fw_state: 'FAILED' })
      coap.close()
      return { end: 'failed', firmware: Buffer.concat(pieces), requests, starts }
    }
    pieces.push(payload)
    offset += payload.length
    if (requests === 1) await its.meanwhile?.()
  }
  await tell({ fw_state: 'DOWNLOADED' })
  await tell({ fw_state: 'UPDATING' })
  coap.close()
  return { end: 'rebooting', firmware: Buffer.concat(pieces), requests, starts }
}

/** What a device says that has rebooted into what it fetched. */
export async function zephyrConfirms({ url, token, title, version }: Zephyr): Promise<void> {
  const coap = await zephyrCoap(url)
  const words = { fw_state: 'UPDATED', current_fw_title: title, current_fw_version: version }
  const payload = Buffer.from(JSON.stringify(words))
  await coap.ask('POST', ['api', 'v1', token, 'telemetry'], { payload })
  coap.close()
}

interface ZephyrCoap {
  /** Rejects at any answer but success. */
  ask(code: string, path: readonly string[], more?: Asked): Promise<CoapAnswer>
  observe(path: readonly string[], hear: (told: CoapAnswer) => void): Promise<void>
  close(): void
}

interface Asked {
  readonly query?: readonly string[]
  readonly options?: readonly { readonly name: OptionName; readonly value: Buffer }[]
  readonly payload?: Buffer
}
type OptionName = 'Observe' | 'Content-Format' | 'Uri-Path' | 'Uri-Query'

/** One socket for all; what belongs to no request is refused with a reset. */
async function zephyrCoap(url: string): Promise<ZephyrCoap> {
  const device = await client(Number(new URL(url).port))
  const waiting = new Map<string, (answer: CoapAnswer) => void>()
  let lastToken = 0x5a00
  const listen = async () => {
    for (;;) {
      const answer = await device.next()
      const { code, confirmable, messageId } = answer
      // Acknowledged; the answer comes by itself.
      if (code === '0.00') continue
      const heard = waiting.get(answer.token.toString('hex'))
      const empty = { code: '0.00', confirmable: false, messageId }
      if (!heard) device.send(datagram({ ...empty, reset: true }))
      else if (confirmable) device.send(datagram({ ...empty, ack: true }))
      heard?.(answer)
    }
  }
  void listen()

  const ask: ZephyrCoap['ask'] = async (code, path, { query = [], options = [], payload } = {}) => {
    lastToken += 1
    const token = uint(lastToken)
    const texts = (name: OptionName, all: readonly string[]) =>
      all.map((text) => ({ name, value: Buffer.from(text) }))
    const answered = new Promise<CoapAnswer>((resolve) => {
      waiting.set(token.toString('hex'), resolve)
    })
    const where = [...texts('Uri-Path', path), ...texts('Uri-Query', query)]
    device.send(datagram({ code, token, options: [...where, ...options], payload }))
    const answer = await answered
    if (!answer.code.startsWith('2.')) throw new Error(`${path.join('/')}: ${answer.code}`)
    return answer
  }
  return {
    ask,
    observe: async (path, hear) => {
      // The value 0 has no bytes.
      const first = await ask('GET', path, { options: [{ name: 'Observe', value: uint(0) }] })
      waiting.set(first.token.toString('hex'), hear)
      hear(first)
    },
    close: () => device.close(),
  }
}
