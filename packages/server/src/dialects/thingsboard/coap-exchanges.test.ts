/**
 * Every row of the CoAP API as bytes: what clients sent, recorded, and what they are answered. The file beside this
 * one is written by it, so that a change on the wire is a difference a person can read.
 */
import { createHash } from 'node:crypto'
import { type ParsedPacket, parse } from 'coap-packet'
import { expect, test } from 'vitest'
import {
  address,
  block,
  type Client,
  client,
  datagram,
  handClock,
  uint,
} from '../../transports/coap.test-helper.ts'
import { coapListener } from '../../transports/coap.ts'
import { type MemoryDesk, memoryDesk, PROVISIONING } from '../memory-desk.test-helper.ts'
import { thingsboardCoap } from './coap.ts'

interface Story {
  readonly desk: MemoryDesk
  note(text: string): void
  /** Sends what was recorded, or made up here; the answer is written down. */
  asks(request: string | Buffer, who?: string): Promise<ParsedPacket>
  /** Something that comes unasked; acknowledged when it wants to be. */
  hears(who?: string): Promise<ParsedPacket>
}

async function story(title: string, tell: (story: Story) => Promise<void>): Promise<string> {
  const desk = await memoryDesk()
  const bugs: unknown[] = []
  const log = { info: () => {}, warn: () => {}, error: (bug: object) => void bugs.push(bug) }
  const inTurn = async (_tenantId: string, _signal: unknown, tellIt: () => Promise<unknown>) => {
    await tellIt()
  }
  const dialect = thingsboardCoap({ ...desk.needs, pacer: { inTurn }, log })
  const scopes = dialect.coap ? [dialect.coap] : []
  // Time stands still, so that nothing is announced or sent again.
  const coap = coapListener({ log, scopes, clock: handClock(), random: () => 0.5 })
  const { port } = await coap.listen({ host: '127.0.0.1', port: 0 })
  const clients = new Map<string, Client>()
  const clientOf = async (who: string) => {
    const known = clients.get(who) ?? (await client(port))
    clients.set(who, known)
    return known
  }
  const lines: string[] = []
  const write = (who: string, arrow: '>' | '<', bytes: Buffer) =>
    lines.push(`${who} ${arrow} ${spelled(bytes)}`, `    ${hex(bytes)}`)

  const hear = async (who: string) => {
    const bytes = await (await clientOf(who)).nextBytes()
    write(who, '<', bytes)
    return parse(bytes)
  }
  const send = async (who: string, bytes: Buffer) => {
    write(who, '>', bytes)
    ;(await clientOf(who)).send(bytes)
  }
  lastId = 0
  desk.addDevice('t1')
  await tell({
    desk,
    note: (text) => lines.push(`* ${text}`),
    asks: async (request, who = 'device') => {
      await send(who, typeof request === 'string' ? Buffer.from(request, 'hex') : request)
      return hear(who)
    },
    hears: async (who = 'device') => {
      const heard = await hear(who)
      const { messageId, confirmable } = heard
      if (confirmable) await send(who, emptyOf({ ack: true, messageId }))
      return heard
    },
  })
  for (const { close } of clients.values()) close()
  await coap.close()
  expect([bugs, desk.openFiles, desk.waiting]).toEqual([[], 0, 0])
  await desk.close()
  return [`## ${title}`, '', ...lines].join('\n')
}

const emptyOf = (what: { ack?: boolean; reset?: boolean; messageId: number }) =>
  datagram({ code: '0.00', confirmable: false, ...what })

let lastId = 0
/** A request that was not recorded, of the same form as those that were. */
const made = (where: string, { code = 'GET', ...more }: Parameters<typeof datagram>[0] = {}) =>
  datagram({
    code,
    messageId: ++lastId,
    token: Buffer.from([7]),
    ...more,
    options: [...(more.options ?? []), ...address(where)],
  })

function spelled(bytes: Buffer): string {
  const { code, confirmable, ack, reset, messageId, token, options, payload } = parse(bytes)
  const type = ack ? 'ACK' : reset ? 'RST' : confirmable ? 'CON' : 'NON'
  const method = { '0.01': 'GET', '0.02': 'POST', '0.03': 'PUT', '0.04': 'DELETE' }[code] ?? code
  const all = (name: string) => options.filter((option) => option.name === name)
  const path = all('Uri-Path').map(({ value }) => `/${value}`)
  const query = all('Uri-Query').map(({ value }) => `${value}`)
  const others = options.flatMap(({ name, value }) =>
    name === 'Uri-Path' || name === 'Uri-Query'
      ? []
      : [`[${name} ${optionText(`${name}`, value)}]`],
  )
  return [
    type,
    method,
    messageId.toString(16).padStart(4, '0'),
    token.length > 0 && token.toString('hex'),
    path.length > 0 && `${path.join('')}${query.length > 0 ? `?${query.join('&')}` : ''}`,
    ...others,
    payload.length > 0 && (isText(payload) ? `${payload}` : `${payload.length} bytes`),
  ]
    .filter(Boolean)
    .join(' ')
}

function optionText(name: string, value: Buffer): string {
  if (name === 'ETag') return value.toString('hex')
  const number = value.reduce((sum, byte) => sum * 256 + byte, 0)
  if (!name.startsWith('Block')) return `${number}`
  return `${number >> 4}${number & 8 ? '+' : ''} of ${16 << (number & 7)}`
}

const isText = (payload: Buffer): boolean => payload.every((byte) => byte >= 0x20 && byte < 0x7f)

/** All of it; of long ones the beginning, and the hash of the whole. */
function hex(bytes: Buffer): string {
  if (bytes.length <= 300) return bytes.toString('hex')
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  return `${bytes.toString('hex', 0, 40)}… ${bytes.length} bytes, SHA-256 ${hash}…`
}

const bytes = Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 31) & 0xff))
const observe = (value: 0 | 1) => ({ name: 'Observe' as const, value: uint(value) })

const STORIES: readonly (readonly [title: string, tell: (story: Story) => Promise<void>])[] = [
  [
    'Telemetry and attributes are told: by libcoap, by aiocoap',
    async ({ asks, note }) => {
      await asks(
        '410232a201b36170690276310274310974656c656d657472791132ff7b2263757272656e745f66775f7469746c65223a2270756d70222c2263757272656e745f66775f76657273696f6e223a22312e302e30227d',
      )
      await asks(
        '42027b28794cb36170690276310274310974656c656d65747279ff7b2266775f7374617465223a2022444f574e4c4f4144494e47227d',
      )
      await asks(
        '410296b801b36170690276310274310a61747472696275746573ff7b226d656d6f7279223a3531327d',
      )
      note('one that need not be confirmed; one that is no telemetry')
      const telemetry = { code: 'POST', payload: Buffer.from('{"temperature":21}') }
      await asks(made('api/v1/t1/telemetry', { ...telemetry, confirmable: false }))
      await asks(made('api/v1/t1/telemetry', { ...telemetry, payload: Buffer.from('7') }))
    },
  ],
  [
    'Attributes are asked for: by libcoap',
    async ({ desk, asks, note }) => {
      note('nothing is there')
      await asks('4101190f01b36170690276310274310a61747472696275746573')
      await desk.assign('t1', { bytes })
      desk.changeDevice('t1', { inventory: { memory: 512 } })
      note('a release is assigned')
      await asks(
        '4101dff601b36170690276310274310a617474726962757465734d04636c69656e744b6579733d6d656d6f72790d197368617265644b6579733d66775f7469746c652c66775f76657273696f6e2c66775f73697a65',
      )
      note('the content format of a request is that of its answer')
      const text = [{ name: 'Content-Format' as const, value: uint(0) }]
      await asks(made('api/v1/t1/attributes?sharedKeys=fw_title', { options: text }))
    },
  ],
  [
    'Attributes are observed: by aiocoap, and let go as libcoap does it',
    async ({ desk, asks, hears, note }) => {
      await asks('42017b29794d60536170690276310274310a61747472696275746573')
      await desk.assign('t1', { bytes })
      await hears()
      await expect.poll(() => desk.states('t1')).toEqual(['firmware INITIATED'])
      await desk.withdraw('t1', 'firmware')
      await hears()
      note('cancelled, and asked for once more')
      await asks('42017b2a794d6101536170690276310274310a61747472696275746573')
      await asks('42017b2b794db36170690276310274310a61747472696275746573')
    },
  ],
  [
    'Attributes are observed without confirmations: by libcoap',
    async ({ desk, asks, hears }) => {
      await asks('51011c790160536170690276310274310a61747472696275746573')
      await desk.assign('t1', { bytes })
      await hears()
      await asks('51011c7a016101536170690276310274310a61747472696275746573')
    },
  ],
  [
    'Who observes from elsewhere ends the earlier observation; a device that is removed is told so',
    async ({ desk, asks, hears }) => {
      await asks('42017b29794d60536170690276310274310a61747472696275746573', 'before')
      await asks(made('api/v1/t1/attributes', { options: [observe(0)] }), 'after')
      await hears('before')
      desk.remove('t1')
      await hears('after')
    },
  ],
  [
    'Chunks: by libcoap, by aiocoap, as the Zephyr SDK puts its query together',
    async ({ desk, asks, note }) => {
      await desk.assign('t1', { bytes })
      const chunk = [
        '41017f8401b266770274314a7469746c653d70756d700d0076657273696f6e3d322e302e300973697a653d31303030076368756e6b3d30',
        '4101e97201b266770274314a7469746c653d70756d700d0076657273696f6e3d322e302e300973697a653d31303030076368756e6b3d31',
        '4101384401b266770274314a7469746c653d70756d700d0076657273696f6e3d322e302e300973697a653d31303030076368756e6b3d32',
        '42017b2a794eb266770274314a7469746c653d70756d700d0076657273696f6e3d322e302e300973697a653d31303030076368756e6b3d30',
      ]
      for (const each of chunk) await asks(each)
      note('past the end')
      await asks(made('fw/t1?title=pump&version=2.0.0&size=1000&chunk=3'))
      note('the rest, and what fills a datagram; by the path of the reference')
      await asks(made('fw/t1?title=pump&version=2.0.0&chunk=2&size=1024'))
      await asks(made('api/v1/t1/firmware?chunk=1&size=1024'))
    },
  ],
  [
    'The whole file in blocks: by libcoap, by aiocoap',
    async ({ desk, asks, note }) => {
      await desk.assign('t1', { bytes: bytes.subarray(0, 1500) })
      await asks('4101c1e801b26677027431')
      await asks('4701c1e902000000000002b26677027431c116')
      await asks('42017b2b794fb26677027431', 'another')
      await asks('42017b2c7950b26677027431c116', 'another')
      note('past the end')
      await asks(made('fw/t1', { options: [block('Block2', { num: 2 })] }))
      note('in smaller blocks, by the path of the reference')
      await asks('4101324901b3617069027631027431086669726d77617265c104')
      await asks('4701324e06000000000002b3617069027631027431086669726d77617265c154')
    },
  ],
  [
    'Software',
    async ({ desk, asks }) => {
      await desk.assign('t1', { bytes: Buffer.from('soft'), type: 'software' })
      await asks(made('sw/t1'))
      await asks(made('api/v1/t1/software?size=1024&chunk=0'))
      await asks(made('fw/t1'))
    },
  ],
  [
    'Enrolment: by libcoap',
    async ({ asks, note }) => {
      await asks(
        '4102b0c701b36170690276310970726f766973696f6eff7b2270726f766973696f6e4465766963654b6579223a227468652d6b6579222c2270726f766973696f6e446576696365536563726574223a227468652d736563726574222c226465766963654e616d65223a226e6577222c22746f6b656e223a226e6577227d',
      )
      const { key, secret } = PROVISIONING
      const asked = (provisionDeviceSecret: string) => {
        const what = { provisionDeviceKey: key, provisionDeviceSecret, deviceName: 'new' }
        const payload = Buffer.from(JSON.stringify(what))
        return asks(made('api/v1/provision', { code: 'POST', payload }))
      }
      note('the name is taken; the secret is wrong; the key is missing')
      await asked(secret)
      await asked('no')
      const payload = Buffer.from('{}')
      await asks(made('api/v1/provision', { code: 'POST', payload }))
    },
  ],
  [
    'What is refused',
    async ({ desk, asks, note }) => {
      const refused = async (
        code: string,
        {
          GET = [],
          POST = [],
          DELETE = [],
        }: { GET?: string[]; POST?: string[]; DELETE?: string[] },
      ) => {
        for (const [method, all] of Object.entries({ GET, POST, DELETE })) {
          for (const where of all) {
            const answer = await asks(made(where, { code: method }))
            expect([where, answer.code]).toEqual([where, code])
            // Strangers get back less than they sent.
            if (code === '4.01') expect(answer.payload).toHaveLength(0)
          }
        }
      }
      note('the token is nobody’s, or missing')
      await refused('4.01', {
        GET: [
          ...['api/v1/nobody/attributes', 'fw/nobody', 'sw/nobody', 'api/v1/nobody/firmware'],
          ...['fw', 'sw', 'fw/t1/more', 'api/v1'],
        ],
        POST: ['api/v1/nobody/telemetry', 'api/v1/nobody/attributes'],
      })
      note('a feature that is not there, or not so')
      const absent = ['nothing', 'constructor', 'telemetry', 'attributes/updates', 'firmware/more']
      await refused('4.00', {
        GET: absent.map((feature) => `api/v1/t1/${feature}`),
        POST: ['api/v1/t1/rpc', 'api/v1/t1/firmwares'],
        DELETE: ['api/v1/t1/attributes'],
      })
      await refused('4.04', { GET: ['api/v2/t1/attributes', 'anything/at/all'] })
      note('nothing is meant for the device')
      const files = ['fw/t1', 'sw/t1', 'api/v1/t1/firmware', 'api/v1/t1/software']
      await refused('4.04', { GET: files })
      note('it is kept elsewhere')
      await desk.assign('t1', { externalUrl: 'https://elsewhere.example/pump.bin' })
      await refused('4.04', { GET: ['fw/t1'] })
      note('another method')
      await refused('4.05', { GET: ['api/v1/provision'], POST: files, DELETE: ['fw/t1'] })
      note('another release; numbers that are none')
      await desk.assign('t1', { bytes })
      const queries = ['title=other&version=2.0.0', 'version=1', 'size=many', 'size=9&chunk=-1']
      await refused('4.00', { GET: queries.map((query) => `fw/t1?${query}`) })
      note('a format that is not spoken, an option that must be understood and is not')
      const accept = { name: 'Accept' as const, value: uint(60) }
      await asks(made('api/v1/t1/attributes', { options: [accept] }))
      await asks(made('api/v1/t1/attributes', { options: [{ name: 9, value: Buffer.from('x') }] }))
    },
  ],
]

test('what is sent and answered is as written down', async () => {
  const told: string[] = []
  for (const [title, tell] of STORIES) told.push(await story(title, tell))
  await expect(`${told.join('\n\n')}\n`).toMatchFileSnapshot('coap.exchanges.txt')
})
