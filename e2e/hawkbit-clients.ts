/**
 * RAUC's updater, over sockets and as picky as it is, after what was seen and read of it (docs/dialects/hawkbit.md).
 * Zephyr's client is in hawkbit-zephyr.ts.
 */
import { createHash } from 'node:crypto'
import { rawHttp, rawRequest } from './raw-http.ts'

export interface Exchanged {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** One request over a connection of its own, closed when it is answered. */
export async function exchange(
  url: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Readonly<Record<string, string>>; body?: string } = {},
): Promise<Exchanged> {
  const { host, pathname, search } = new URL(url)
  const connection = await rawHttp(url)
  const all = { host, connection: 'close', ...headers }
  connection.send(rawRequest(`${method} ${pathname}${search}`, all, body))
  const received = Buffer.from(await connection.until(() => false), 'latin1')
  connection.socket.destroy()
  const end = received.indexOf('\r\n\r\n')
  const [line = '', ...lines] = received.subarray(0, end).toString('latin1').split('\r\n')
  const fields = lines.map((each) => {
    const colon = each.indexOf(':')
    return [each.slice(0, colon).toLowerCase(), each.slice(colon + 1).trim()] as const
  })
  return {
    status: Number(line.split(' ')[1]),
    headers: Object.fromEntries(fields),
    body: received.subarray(end + 4),
  }
}

/** What a client gives up with. */
export class ClientGivesUp extends Error {}

export const giveUp = (why: string): never => {
  throw new ClientGivesUp(why)
}

export interface Reached {
  /** `http://host:port`. */
  readonly url: string
  readonly tenant?: string
  readonly controllerId: string
  /** `TargetToken …` or `GatewayToken …`. */
  readonly authorization: string
}

interface Poll {
  readonly sleepSeconds: number
  readonly links: Readonly<Record<string, { readonly href: string } | undefined>>
}

export interface Deployment {
  readonly id: unknown
  readonly deployment?: {
    readonly download?: string
    readonly update?: string
    readonly maintenanceWindow?: string
    readonly chunks: readonly {
      readonly part: string
      readonly name: string
      readonly version: string
      readonly artifacts: readonly {
        readonly filename: string
        readonly size: number
        readonly hashes: Readonly<Record<string, string>>
        readonly _links: Readonly<Record<string, { readonly href: string } | undefined>>
      }[]
    }[]
  }
}

export type Artifact = NonNullable<Deployment['deployment']>['chunks'][number]['artifacts'][number]

export interface RaucUpdater {
  /** All that it was answered, for the figures. */
  readonly requests: readonly {
    readonly method: string
    readonly path: string
    readonly status: number
  }[]
  /** One look at the server, and what follows of it. */
  once(): Promise<'nothing' | 'installed' | 'failed' | 'downloaded' | 'waiting' | 'cancelled'>
}

/** What an installation fails with. */
export const RAUC_ERROR =
  "Compatible mismatch: Expected 'Terminator' but bundle manifest has 'Other'"

/** RAUC reads a bundle that is streamed in pieces of that size. */
const STREAMED_BYTES = 131_072

/**
 * rauc-hawkbit-updater: one chunk of one file, SHA-1, answers of 200 and nothing else, addresses of its own making for
 * what it reports. It says that it is done before it boots what it installed.
 */
export function raucUpdater(
  { url, tenant = 'DEFAULT', controllerId, authorization }: Reached,
  {
    attributes = { product: 'Terminator', serial: 'S-1' },
    isStreaming = false,
    pieceBytes = STREAMED_BYTES,
    install = async () => true,
  }: {
    attributes?: Readonly<Record<string, string>>
    isStreaming?: boolean
    /** So much of a streamed bundle at a time. */
    pieceBytes?: number
    /** Whether it goes well; the bundle's bytes are there. */
    install?: (bundle: Buffer) => Promise<boolean>
  } = {},
): RaucUpdater {
  const base = `${url}/${tenant}/controller/v1/${controllerId}`
  const requests: { method: string; path: string; status: number }[] = []
  const type = 'application/json;charset=UTF-8'
  const ask = async (address: string, method = 'GET', body?: object, range?: string) => {
    const answer = await exchange(address, {
      method,
      headers: {
        'user-agent': 'rauc-hawkbit-c-agent/1.0',
        accept: type,
        'content-type': type,
        authorization,
        ...(range !== undefined && { range }),
      },
      body: body && JSON.stringify(body),
    })
    requests.push({ method, path: new URL(address).pathname, status: answer.status })
    return answer
  }
  const ok = async (...request: Parameters<typeof ask>): Promise<Exchanged> => {
    const answer = await ask(...request)
    return answer.status === 200
      ? answer
      : giveUp(`HTTP request failed: ${answer.status} at ${request[0]}`)
  }
  const feedback = (
    resource: string,
    id: string,
    execution: string,
    finished: string,
    detail: string,
  ) =>
    ok(`${base}/${resource}/${id}/feedback`, 'POST', {
      id,
      time: '20260704T101500',
      status: { execution, result: { finished }, details: [detail] },
    })
  const ofDeployment = (id: string, execution: string, finished: string, detail: string) =>
    feedback('deploymentBase', id, execution, finished, detail)

  /** What it fetched of one action stays until another comes. */
  let kept: { id: string; bytes: Buffer } | undefined

  const fetched = async (id: string, { _links, hashes, size }: Artifact): Promise<Buffer> => {
    if (kept?.id === id) return kept.bytes
    const link = (_links.download ?? _links['download-http'])?.href ?? giveUp('no link')
    let bytes: Buffer
    if (isStreaming) {
      const pieces: Buffer[] = []
      for (let from = 0; from < size; from += pieceBytes) {
        const to = Math.min(from + pieceBytes, size) - 1
        const answer = await ask(link, 'GET', undefined, `bytes=${from}-${to}`)
        if (answer.status !== 206) giveUp(`a range was answered ${answer.status}`)
        pieces.push(answer.body)
      }
      bytes = Buffer.concat(pieces)
    } else {
      bytes = (await ok(link)).body
      await ofDeployment(id, 'proceeding', 'none', 'Download complete. 1.00 MB/s')
      const sha1 = createHash('sha1').update(bytes).digest('hex')
      if (hashes.sha1 !== sha1) giveUp('checksum')
      await ofDeployment(id, 'proceeding', 'none', 'File checksum OK.')
    }
    kept = { id, bytes }
    return bytes
  }

  const deploy = async (href: string): ReturnType<RaucUpdater['once']> => {
    const { id, deployment }: Deployment = JSON.parse((await ok(href)).body.toString())
    // It does nothing then, and says nothing.
    if (typeof id !== 'string' || !deployment) return giveUp('there is no id that is a text')
    const { download, update, maintenanceWindow, chunks } = deployment
    if (!download || !update) return giveUp('how to download and update is not said')
    const refuse = async (why: string) => {
      await ofDeployment(id, 'closed', 'failure', `Deployment ${id} unsupported: ${why}.`)
      return 'failed' as const
    }
    if (chunks.length !== 1) return refuse('cannot handle multiple chunks')
    if (chunks[0]?.artifacts.length !== 1) return refuse('cannot handle multiple artifacts')
    const [artifact] = chunks[0].artifacts
    if (!artifact) return refuse('there is none')
    if (!artifact.hashes.sha1) return refuse('no SHA-1')
    if (download === 'skip') return 'nothing'
    const bundle = await fetched(id, artifact)
    if (update === 'skip') {
      if (maintenanceWindow === 'unavailable') return 'waiting'
      await ofDeployment(id, 'downloaded', 'success', 'File checksum OK.')
      return 'downloaded'
    }
    for (const line of ['installing', 'Checking slot rootfs.1', 'Copying image to rootfs.1']) {
      await ofDeployment(id, 'proceeding', 'none', line)
    }
    const isInstalled = await install(bundle)
    for (const line of isInstalled ? ['idle'] : [`LastError: ${RAUC_ERROR}`, 'idle']) {
      await ofDeployment(id, 'proceeding', 'none', line)
    }
    await (isInstalled
      ? ofDeployment(id, 'closed', 'success', 'Software bundle installed successfully.')
      : ofDeployment(id, 'closed', 'failure', 'Failed to install software bundle.'))
    return isInstalled ? 'installed' : 'failed'
  }

  return {
    requests,
    once: async () => {
      const { sleepSeconds, links } = pollOf((await ok(base)).body)
      if (Number.isNaN(sleepSeconds)) giveUp('the sleep cannot be read')
      if (links.configData) {
        await ok(`${base}/configData`, 'PUT', {
          id: '',
          time: '20260704T101500',
          status: { execution: 'closed', result: { finished: 'success' }, details: [''] },
          data: attributes,
        })
      }
      if (links.cancelAction) {
        const said = JSON.parse((await ok(links.cancelAction.href)).body.toString())
        const { stopId } = said.cancelAction
        await feedback('cancelAction', stopId, 'closed', 'success', 'Action canceled.')
        return 'cancelled'
      }
      return links.deploymentBase ? deploy(links.deploymentBase.href) : 'nothing'
    },
  }
}

/** By strptime's %T; NaN for all else. */
function pollOf(body: Buffer): Poll {
  const said = JSON.parse(body.toString())
  const text: unknown = said.config?.polling?.sleep
  const [, hours, minutes, seconds] =
    /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)$/.exec(String(text)) ?? []
  const sleepSeconds = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return { sleepSeconds, links: said._links ?? {} }
}
