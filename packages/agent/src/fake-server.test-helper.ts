/** A server of our own protocol for tests: real HTTP on a free port, core's own rules, and faults on demand. */
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  advance,
  type Installed,
  isInstalled,
  isTerminal,
  type Operation,
  open,
  type Release,
  reason,
  reportableState,
  STANDARD_SETTINGS,
  type State,
  tell,
} from '@updraft/core'
import {
  CheckInRequest,
  type CheckInResponse,
  LogRequest,
  ReportRequest,
} from '@updraft/wire/updraft'

export interface Heard {
  readonly operation: string
  readonly state: string
  readonly progress?: number
  readonly error?: string
  readonly outcome: string
}

interface Meant {
  operation: Operation
  readonly bytes: Buffer
  /** What is announced; may be made to lie. */
  readonly size: number
  readonly sha256: string
  readonly checksum?: { algorithm: string; value: string }
  readonly needs?: Record<string, string>
}

/** Each list is used up answer by answer. */
export interface Faults {
  /** The artifact's connection is cut after so many bytes of the answer. */
  cutAfter: number[]
  /** The artifact's answer says nothing more after so many bytes. */
  stallAfter: number[]
  /** Wrong bytes, so many times. */
  spoil: number
  checkIn: { status: number; headers?: Record<string, string> }[]
  report: { status: number; headers?: Record<string, string> }[]
  artifact: { status: number; headers?: Record<string, string> }[]
}

const THEN = { now: new Date(0), patience: STANDARD_SETTINGS }

export const TOKEN = 'device-token'

export class FakeServer extends EventEmitter<{
  'check-in': [CheckInRequest & { wait: string | undefined }]
  report: [Heard]
  log: []
  artifact: [
    { range: string | undefined; ifRange: string | undefined; authorization: string | undefined },
  ]
}> {
  readonly faults: Faults = {
    cutAfter: [],
    stallAfter: [],
    spoil: 0,
    checkIn: [],
    report: [],
    artifact: [],
  }
  readonly reports: Heard[] = []
  readonly checkIns: CheckInRequest[] = []
  readonly ranges: (string | undefined)[] = []
  readonly logged: LogRequest['lines'][number][] = []
  nextCheckInSeconds = 3600
  /** What a box is told besides. */
  forBox: Pick<CheckInResponse, 'box' | 'held' | 'wishes'> = {}
  /** An offer of that type is made only to who asks for it. */
  readonly onlyIfAsked = new Set<string>()
  /** Check-ins that may be held are held as long as they last, unless something is asked for. */
  isHolding = false
  /** It says that it would have waited. */
  isWilling = false
  /** Where artifacts are said to be; this server if null. */
  artifactBase: string | null = null
  readonly #meant = new Map<string, Meant>()
  #server: Server | null = null
  #port = 0

  static async start(): Promise<FakeServer> {
    const server = new FakeServer()
    await server.up()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async up(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error) => response.destroy(error))
    })
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async down(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise<void>((resolve) => this.#server?.close(() => resolve()) ?? resolve())
    this.#server = null
  }

  /** Means a release for the device, under an operation of that id. */
  offer({
    id = 'op-1',
    type = 'firmware',
    title = 'app',
    version = '1.1.0',
    bytes = someBytes(100_000),
    ...lies
  }: Partial<{
    id: string
    type: string
    title: string
    version: string
    bytes: Buffer
    size: number
    sha256: string
    checksum: { algorithm: string; value: string }
    needs: Record<string, string>
  }> = {}): Meant {
    const release = { id: `release-${id}`, type, title, version } as Release
    const origin = reason('assigned.device', 'assigned')
    const { operation } = open({ id, deviceId: 'device', release, origin }, new Date(0))
    const meant = { operation, bytes, size: bytes.length, sha256: sha256(bytes), ...lies }
    this.#meant.set(id, meant)
    return meant
  }

  /** Ends an operation from the server's side, as an operator would. */
  cancel(id: string): void {
    const meant = this.#meant.get(id)
    if (meant) meant.operation = { ...meant.operation, state: 'CANCELED', endedAt: new Date(0) }
  }

  state(id = 'op-1'): State | undefined {
    return this.#meant.get(id)?.operation.state
  }

  error(id = 'op-1'): string | null {
    return this.#meant.get(id)?.operation.error ?? null
  }

  /** How often that operation moved to that state by a report. */
  moves(state: string, id = 'op-1'): number {
    return this.reports.filter(
      (heard) => heard.operation === id && heard.state === state && heard.outcome === 'moved',
    ).length
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const path = new URL(request.url ?? '/', this.url).pathname
    const artifact = /^\/device\/v1\/artifacts\/([^/]+)\//.exec(path)?.[1]
    if (artifact) return this.#sendArtifact(artifact, request, response)
    const body = await bodyOf(request)
    const isCheckIn = path === '/device/v1/check-in'
    const fault = this.faults[isCheckIn ? 'checkIn' : 'report'].shift()
    if (fault) return problem(response, fault.status, 'test.fault', fault.headers)
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return problem(response, 401, 'device.unknown')
    const operation = /^\/device\/v1\/operations\/([^/]+)\/report$/.exec(path)?.[1]
    if (isCheckIn) return this.#checkIn(body, request.headers.prefer as string, response)
    if (path === '/device/v1/log') return this.#log(body, response)
    if (operation) return this.#report(decodeURIComponent(operation), body, response)
    return problem(response, 404, 'route.unknown')
  }

  #checkIn(body: string, wait: string | undefined, response: ServerResponse): ServerResponse {
    const request = CheckInRequest.parse(JSON.parse(body))
    this.checkIns.push(request)
    this.emit('check-in', { ...request, wait })
    if (this.isHolding && wait !== undefined && !request.asked) return response
    const offers = []
    for (const meant of this.#meant.values()) {
      const { type } = meant.operation
      const installed = request.installed?.[type] as Installed | undefined
      if (isTerminal(meant.operation.state)) continue
      const isTold = meant.operation.state !== 'QUEUED'
      if (this.onlyIfAsked.has(type) && !isTold && !request.asked?.includes(type)) continue
      if (isInstalled(meant.operation, installed)) {
        const { operation } = advance(meant.operation, { state: 'UPDATED', installed }, THEN)
        this.#hear(meant.operation.id, { state: 'UPDATED' }, 'moved')
        meant.operation = operation
        continue
      }
      meant.operation = tell(meant.operation, THEN.now).operation
      const { id, title, version } = meant.operation
      const artifact = `${this.artifactBase ?? this.url}/device/v1/artifacts/${id}/file.bin`
      const { size, sha256, checksum, needs } = meant
      offers.push({ operation: id, type, title, version, size, sha256, checksum, artifact, needs })
    }
    const { nextCheckInSeconds, forBox } = this
    if (this.isWilling) response.setHeader('preference-applied', 'wait=60')
    return json(response, { offers, nextCheckInSeconds, ...forBox })
  }

  #log(body: string, response: ServerResponse): ServerResponse {
    const { lines } = LogRequest.parse(JSON.parse(body))
    const before = this.logged.at(-1)?.sequence ?? -1
    this.logged.push(...lines.filter(({ sequence }) => sequence > before))
    this.emit('log')
    return json(response, { taken: this.logged.at(-1)?.sequence ?? -1 })
  }

  #report(id: string, body: string, response: ServerResponse): ServerResponse {
    const report = ReportRequest.parse(JSON.parse(body))
    const meant = this.#meant.get(id)
    const state = reportableState(report.state)
    if (!meant) return problem(response, 404, 'operation.unknown')
    if (!state) return problem(response, 400, 'report.unknown-state')
    const installed = (report.installed as Installed) ?? meant.operation
    const progressPercent = report.progress
    const advanced = advance(
      meant.operation,
      { ...report, state, progressPercent, installed },
      THEN,
    )
    const isAfterEnd = isTerminal(meant.operation.state) && advanced.outcome === 'ignored'
    meant.operation = advanced.operation
    this.#hear(id, report, isAfterEnd ? 'refused' : advanced.outcome)
    if (isAfterEnd) return problem(response, 409, 'operation.already-ended')
    return json(response, {
      outcome: advanced.outcome,
      state: advanced.operation.state,
      because: '',
    })
  }

  #hear(operation: string, { state, progress, error }: ReportRequest, outcome: string): void {
    const heard = { operation, state, progress, error, outcome }
    this.reports.push(heard)
    this.emit('report', heard)
  }

  #sendArtifact(id: string, request: IncomingMessage, response: ServerResponse): unknown {
    const { range, 'if-range': ifRange, authorization } = request.headers
    this.ranges.push(range)
    this.emit('artifact', { range, ifRange: ifRange as string | undefined, authorization })
    const fault = this.faults.artifact.shift()
    if (fault) return response.writeHead(fault.status, fault.headers).end()
    const meant = this.#meant.get(id)
    if (!meant) return problem(response, 404, 'artifact.unknown')
    let whole = meant.bytes
    if (this.faults.spoil > 0) {
      this.faults.spoil -= 1
      whole = Buffer.from(whole)
      whole[0] = (whole[0] ?? 0) ^ 255
    }
    const etag = `"${sha256(whole)}"`
    const isRest = range !== undefined && (ifRange === undefined || ifRange === etag)
    const from = isRest ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0
    const rest = whole.subarray(from)
    response.writeHead(isRest ? 206 : 200, {
      etag,
      'content-length': rest.length,
      ...(isRest ? { 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}` } : {}),
    })
    const cut = this.faults.cutAfter.shift()
    const stall = this.faults.stallAfter.shift()
    if (cut !== undefined) return response.write(rest.subarray(0, cut), () => response.destroy())
    if (stall !== undefined) return response.write(rest.subarray(0, stall))
    return response.end(rest)
  }
}

/** Bytes that look random and are the same each time. */
export function someBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}

function json(response: ServerResponse, body: unknown): ServerResponse {
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function problem(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): ServerResponse {
  const body = { type: 'about:blank', title: code, status, code }
  return response
    .writeHead(status, { 'content-type': 'application/problem+json', ...headers })
    .end(JSON.stringify(body))
}
