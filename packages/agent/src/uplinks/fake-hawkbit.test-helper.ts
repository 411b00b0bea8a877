/** A server of hawkBit's device language as docs/dialects/hawkbit.md describes it, strict where the original is. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Json, JsonObject } from '@updraft/core'
import { sha256 } from '../fake-server.test-helper.ts'

export const CONTROLLER = 'dev-7'
export const TOKEN = 'hawkbit-token'
const BASE = `/DEFAULT/controller/v1/${CONTROLLER}`

export interface Asked {
  readonly method: string
  /** Below the device's address. */
  readonly path: string
  readonly authorization: string | undefined
  readonly range: string | undefined
  readonly body: JsonObject
}

export interface FakeChunk {
  readonly part: string
  readonly version: string
  readonly name?: string
  readonly bytes: Buffer
  /** Of its one file, what is announced otherwise. */
  readonly hashes?: JsonObject
  /** So many files instead of one. */
  readonly files?: number
}

type ActionState = 'running' | 'canceling' | 'confirming' | 'over'

interface FakeAction {
  readonly id: number
  readonly chunks: readonly FakeChunk[]
  state: ActionState
  download: string
  update: string
  window: string | undefined
}

export class FakeHawkbit {
  url = ''
  readonly asked: Asked[] = []
  readonly actions: FakeAction[] = []
  /** What feedback said, in the order it came: action, execution, result. */
  readonly said: string[] = []
  readonly details: string[] = []
  attributes: Record<string, string> = {}
  wantsAttributes = true
  sleep = '00:05:00'
  scheme = 'TargetToken'
  /** Once, the connection of a download is cut after so many bytes. */
  cutAfter: number | null = null
  /** Called before an answer; may change what it will be. */
  onAsked = (_: Asked): void => {}
  #server = createServer((request, response) => void this.#serve(request, response))

  static async start(): Promise<FakeHawkbit> {
    const fake = new FakeHawkbit()
    fake.#server.listen(0, '127.0.0.1')
    await once(fake.#server, 'listening')
    fake.url = `http://127.0.0.1:${(fake.#server.address() as AddressInfo).port}`
    return fake
  }

  async down(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  assign(chunks: readonly FakeChunk[], more: Partial<FakeAction> = {}): FakeAction {
    const action: FakeAction = {
      id: 41 + this.actions.length,
      chunks,
      state: 'running',
      download: 'forced',
      update: 'forced',
      window: undefined,
      ...more,
    }
    this.actions.push(action)
    return action
  }

  to(path: string, method?: string): Asked[] {
    return this.asked.filter(
      (asked) => asked.path.startsWith(path) && (method ?? asked.method) === asked.method,
    )
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const text = Buffer.concat(parts).toString('utf8')
    const path = request.url ?? ''
    const { authorization, range } = request.headers
    const asked: Asked = {
      method: request.method ?? '',
      path: path.startsWith(BASE) ? path.slice(BASE.length) : path,
      authorization,
      range,
      body: text === '' ? {} : (JSON.parse(text) as JsonObject),
    }
    this.asked.push(asked)
    this.onAsked(asked)
    if (authorization !== `${this.scheme} ${TOKEN}`) return void response.writeHead(401).end()
    if (!path.startsWith(BASE)) return void response.writeHead(404).end()
    const file = /^\/softwaremodules\/(\d+)\/artifacts\//.exec(asked.path)
    if (file) return this.#sendFile(Number(file[1]), range, response)
    const [status, answer] = this.#answer(asked)
    const body = answer === undefined ? '' : JSON.stringify(answer)
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }

  #answer({ method, path, body }: Asked): [number, Json?] {
    const [, resource = '', id = '', rest] = path.split('?')[0]?.split('/') ?? []
    if (resource === '') return [200, this.#poll()]
    if (resource === 'configData') {
      if (method !== 'PUT' || typeof body.data !== 'object') return [400]
      this.attributes = { ...this.attributes, ...(body.data as Record<string, string>) }
      this.wantsAttributes = false
      return [200]
    }
    const action = this.actions.find((each) => String(each.id) === id)
    if (!action) return [404]
    if (rest === undefined) return this.#read(resource, action)
    return [this.#hear(resource, action, body)]
  }

  #poll(): JsonObject {
    const action = this.actions.find(({ state }) => state !== 'over')
    const links: Record<string, Json> = {}
    const link = (name: string, path: string) => {
      links[name] = { href: this.url + BASE + path }
    }
    if (action?.state === 'running') link('deploymentBase', `/deploymentBase/${action.id}?c=-17`)
    if (action?.state === 'canceling') link('cancelAction', `/cancelAction/${action.id}`)
    if (action?.state === 'confirming') link('confirmationBase', `/confirmationBase/${action.id}`)
    if (this.wantsAttributes) link('configData', '/configData')
    return {
      config: { polling: { sleep: this.sleep } },
      ...(Object.keys(links).length > 0 && { _links: links }),
    }
  }

  #read(resource: string, action: FakeAction): [number, Json?] {
    const id = String(action.id)
    if (resource === 'cancelAction') {
      if (action.state !== 'canceling') return [404]
      return [200, { id, cancelAction: { stopId: id } }]
    }
    if (resource !== 'deploymentBase' || ['canceling', 'confirming'].includes(action.state)) {
      return [404]
    }
    const { download, update, window } = action
    const chunks = action.chunks.map((chunk, index) => this.#chunk(action, chunk, index))
    const deployment = { download, update, ...(window && { maintenanceWindow: window }), chunks }
    return [200, { id, deployment }]
  }

  #chunk(
    { id }: FakeAction,
    { part, version, name = 'app', bytes, hashes, files = 1 }: FakeChunk,
    index: number,
  ): JsonObject {
    const sha1 = createHash('sha1').update(bytes).digest('hex')
    const href = `${this.url}${BASE}/softwaremodules/${id * 100 + index}/artifacts/image.bin`
    const artifact = {
      filename: 'image.bin',
      size: bytes.length,
      hashes: hashes ?? { sha1, sha256: sha256(bytes) },
      _links: { 'download-http': { href }, 'md5sum-http': { href: `${href}.MD5SUM` } },
    }
    return { part, version, name, artifacts: Array.from({ length: files }, () => artifact) }
  }

  /** How hawkBit itself takes it. */
  #hear(resource: string, action: FakeAction, body: JsonObject): number {
    if (resource === 'confirmationBase') {
      if (action.state !== 'confirming') return 404
      this.said.push(`${action.id} ${body.confirmation}`)
      if (body.confirmation === 'confirmed') action.state = 'running'
      return 200
    }
    const { status } = body as { status?: JsonObject }
    const { execution, result, details } = status as {
      execution: string
      result: { finished: string }
      details: string[]
    }
    const word = `${action.id} ${execution} ${result.finished}`
    if (resource === 'cancelAction') {
      if (action.state !== 'canceling') return 405
      this.#note(`${word} to the stop`, details)
      const isRefused =
        execution === 'rejected' || (execution === 'closed' && result.finished === 'failure')
      if (isRefused) action.state = 'running'
      else if (execution === 'closed') action.state = 'over'
      return 200
    }
    if (action.state === 'over') return 410
    if (action.state === 'confirming') return 404
    this.#note(word, details)
    const isFetched =
      execution === 'downloaded' && action.update === 'skip' && action.window === undefined
    if (execution === 'closed' || (isFetched && result.finished === 'success')) {
      action.state = 'over'
      this.wantsAttributes = true
    }
    return 200
  }

  #note(word: string, details: readonly string[]): void {
    if (this.said.at(-1) !== word) this.said.push(word)
    this.details.push(...details)
  }

  #sendFile(moduleId: number, range: string | undefined, response: ServerResponse): void {
    const action = this.actions.find(({ id }) => id === Math.floor(moduleId / 100))
    const bytes = action?.chunks[moduleId % 100]?.bytes
    if (!bytes || action?.state !== 'running') return void response.writeHead(404).end()
    const etag = `"${sha256(bytes)}"`
    const [, start] = /^bytes=(\d+)-$/.exec(range ?? '') ?? []
    const from = Number(start ?? 0)
    const part = bytes.subarray(from)
    response.writeHead(start === undefined ? 200 : 206, {
      etag,
      'accept-ranges': 'bytes',
      'content-length': part.length,
      ...(start !== undefined && {
        'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
      }),
    })
    if (this.cutAfter === null) return void response.end(part)
    response.write(part.subarray(0, this.cutAfter), () => response.destroy())
    this.cutAfter = null
  }
}
