/**
 * Zephyr's hawkBit client, which no test can run as it is published, as picky as its source is
 * (docs/dialects/hawkbit.md): one connection for a whole look at the server, an HTTP client with 640 bytes of memory
 * that wants nothing but 200 and a Content-Length, texts taken as they stand, and a number that is read one digit late.
 */
import { createHash } from 'node:crypto'
import { type Deployment, giveUp, type Reached } from './hawkbit-clients.ts'
import { type RawConnection, rawHttp, rawRequest } from './raw-http.ts'

/** What a look at the server came to. */
export type ZephyrEnd = 'nothing' | 'downloaded'

export interface ZephyrDevice {
  /**
   * One look at the server, and all that follows of it; `losesPower` once it has read what it is to do. Rejects where
   * the client gives up.
   */
  probe(options?: { losesPower: boolean }): Promise<ZephyrEnd>
  /** What it did, in order, as `GET /path` or in a word of its own. */
  readonly did: readonly string[]
  readonly bytesOfDocument: number
  /** The bytes in its second slot. */
  readonly slot: Buffer | undefined
}

const RECEIVED_BYTES = 640
const DOCUMENT_BYTES = 1100
const SLEEP_CHARACTERS = 8
/** Before 4.1, of the links to what is to be done and stopped, and of a download. */
const LINK_CHARACTERS = 50
const PATH_CHARACTERS = 200
/** Nobody has so much to do at once: it turns in circles. */
const MOST_STEPS = 12
const JSON_TYPE = 'application/json;charset=UTF-8'

interface Links {
  readonly deploymentBase?: { readonly href: string }
  readonly cancelAction?: { readonly href: string }
  readonly configData?: { readonly href: string }
}

/** The tenant is one before 4.1, and can be set since; the number of what to stop is read well since 4.2. */
export function zephyrDevice({
  url,
  tenant = 'DEFAULT',
  controllerId,
  authorization,
  readsWell = false,
}: Reached & { readonly readsWell?: boolean }): ZephyrDevice {
  const root = `/${tenant}/controller/v1`
  const base = `${root}/${controllerId}`
  const did: string[] = []
  let largest = 0
  /** The last action it downloaded; it is kept over reboots. */
  let downloaded: number | undefined
  let slot: Buffer | undefined

  const probe: ZephyrDevice['probe'] = async ({ losesPower } = { losesPower: false }) => {
    const connection = await rawHttp(url)
    try {
      return await look(connection, losesPower)
    } finally {
      connection.socket.destroy()
    }
  }

  /** Over one connection, as long as there is something to do. */
  const look = async (connection: RawConnection, losesPower: boolean): Promise<ZephyrEnd> => {
    let seen = 0
    const ask = async (method: string, path: string, body?: object): Promise<Buffer> => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      did.push(`${method} ${path.replace(base, '')}`)
      connection.send(request({ method, path, text }))
      const received = await connection.until((all) => answerIn(all.slice(seen)) !== null)
      const answer = answerIn(received.slice(seen)) ?? giveUp('the server closed the connection')
      seen += answer.bytes
      if (answer.status !== 200) giveUp(`HTTP request denied: ${answer.status} for ${path}`)
      return answer.body
    }
    const document = async (path: string) => {
      const body = await ask('GET', path)
      largest = Math.max(largest, body.length)
      if (body.length > DOCUMENT_BYTES) giveUp(`a document of ${body.length} bytes`)
      const text = body.toString()
      // Nothing is taken out of its escapes.
      if (text.includes('\\')) giveUp(`an escape in ${text}`)
      return JSON.parse(text)
    }
    const close = (path: string, finished: string) =>
      ask('POST', path, { status: { execution: 'closed', result: { finished } } })

    for (let steps = 0; steps < MOST_STEPS; steps += 1) {
      const said = await document(base)
      const sleep: unknown = said.config?.polling?.sleep
      if (typeof sleep !== 'string' || sleep.length !== SLEEP_CHARACTERS) {
        giveUp(`Invalid poll sleep: ${sleep}`)
      }
      const links: Links = said._links ?? {}
      if (links.cancelAction) {
        const { href } = links.cancelAction
        const id = cancelIdIn(href, readsWell)
        const isThere = id === downloaded
        await close(`${pathOf(href)}/feedback`, isThere ? 'failure' : 'success')
        did.push(isThere ? 'does not stop' : 'stops')
      } else if (links.configData) {
        const data = { VIN: controllerId }
        await ask('PUT', pathOf(links.configData.href), { mode: 'merge', data })
      } else if (links.deploymentBase) {
        const { href } = links.deploymentBase
        fits('deploymentBase/', href)
        const told: Deployment = await document(pathOf(href))
        const id = numberIn(told.id)
        if (losesPower) return 'nothing'
        if (id !== downloaded) {
          slot = await ask('GET', downloadIn(told, root))
          if (sha256(slot) !== told.deployment?.chunks[0]?.artifacts[0]?.hashes.sha256) {
            giveUp('Failed to validate stored firmware')
          }
          downloaded = id
          return 'downloaded'
        }
        await close(`${base}/deploymentBase/${id}/feedback`, 'success')
      } else {
        return 'nothing'
      }
    }
    return giveUp(`it turns in circles: ${did.slice(-MOST_STEPS).join(', ')}`)
  }

  /** It names neither itself nor what it takes, and always the port. */
  const request = ({ method, path, text }: { method: string; path: string; text?: string }) => {
    const { hostname, port } = new URL(url)
    const host = `${hostname}:${port || 80}`
    const shown = { host, authorization, ...(text !== undefined && { 'content-type': JSON_TYPE }) }
    const whole = rawRequest(`${method} ${path}`, shown, text)
    return text === undefined ? whole.replace('content-length: 0\r\n', '') : whole
  }

  return {
    probe,
    did,
    get bytesOfDocument() {
      return largest
    },
    get slot() {
      return slot
    },
  }
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** What follows the host. */
function pathOf(href: string): string {
  const path = /\/\/[^/]*(\/.*)$/.exec(href)?.[1]
  return path ?? giveUp(`Unexpected href format: ${href}`)
}

function fits(from: string, href: string): string {
  const link = href.slice(href.indexOf(from))
  if (!href.includes(from)) giveUp(`Missing ${from} in href ${href}`)
  return link.length < LINK_CHARACTERS ? link : giveUp(`${link} is too big`)
}

/** It looks one character too far: a terminating zero is counted as one of the text before the number. */
function cancelIdIn(href: string, readsWell: boolean): number {
  const digits = fits('cancelAction/', href).slice('cancelAction/'.length + (readsWell ? 0 : 1))
  const id = Number.parseInt(digits, 10)
  return id > 0 ? id : giveUp(`Invalid action_id: ${digits}`)
}

function numberIn(text: unknown): number {
  const id = typeof text === 'string' ? Number.parseInt(text, 10) : Number.NaN
  return id > 0 && id < 2 ** 31 ? id : giveUp(`Invalid action_id: ${text}`)
}

/** Of one chunk that is `bApp`, with one file. */
function downloadIn({ deployment }: Deployment, root: string): string {
  const chunks = deployment?.chunks ?? []
  const [chunk] = chunks
  if (!chunk || chunks.length !== 1) return giveUp(`Expecting 1 chunk (got ${chunks.length})`)
  if (chunk.part !== 'bApp') giveUp(`Only part 'bApp' is supported; got ${chunk.part}`)
  const [artifact] = chunk.artifacts
  if (!artifact || chunk.artifacts.length !== 1) return giveUp('Expecting 1 artifact')
  if (!/^[0-9a-f]{64}$/.test(artifact.hashes.sha256 ?? '')) giveUp('no SHA-256')
  if (!Number.isInteger(artifact.size) || artifact.size >= 2 ** 31) giveUp(`${artifact.size} bytes`)
  const href = artifact._links['download-http']?.href ?? giveUp('Missing expected download-http')
  if (!href.includes(root)) giveUp(`Unexpected download-http href format: ${href}`)
  const path = pathOf(href)
  return path.length < PATH_CHARACTERS ? path : giveUp(`${path} is too big`)
}

/**
 * The first answer, once all of it is there. Its length must stand within one filling of the memory: what lies across
 * two is not found, and without it nothing is taken.
 */
function answerIn(received: string): { status: number; body: Buffer; bytes: number } | null {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return null
  const head = received.slice(0, end + 2)
  if (/^(transfer-encoding|connection: close)/im.test(head)) giveUp(head)
  const field = /^content-length: (\d+)\r\n/im.exec(head) ?? giveUp(`no length in ${head}`)
  const [from, to] = [field.index, field.index + field[0].length - 1]
  if (Math.floor(from / RECEIVED_BYTES) !== Math.floor(to / RECEIVED_BYTES)) {
    giveUp(`the length lies across ${RECEIVED_BYTES} bytes`)
  }
  const length = Number(field[1])
  const body = received.slice(end + 4, end + 4 + length)
  if (body.length < length) return null
  return {
    status: Number(head.split(' ')[1]),
    body: Buffer.from(body, 'latin1'),
    bytes: end + 4 + length,
  }
}
