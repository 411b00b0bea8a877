/**
 * Calls to one cluster of Astarte: AppEngine and realm management. Each has a limit in time and in bytes, stays at the
 * address it was given, and fails in one of three ways that say who is to do something about it.
 */
import {
  AnyAnswer,
  appEngine,
  CLAIMS,
  DevicePage,
  DeviceStatus,
  DeviceStatusAnswer,
  errorIn,
  InterfaceAnswer,
  NamesAnswer,
  nextToken,
  type POLICY,
  PropertiesAnswer,
  realmManagement,
  TOKEN_SECONDS,
  type TriggerDefinition,
  VersionAnswer,
} from '@updraft/wire/astarte-cluster'
import type { InterfaceDefinition } from '@updraft/wire/astarte-interface'
import type { z } from 'zod'
import type { ClusterAccess } from '../../app/cluster-desk.ts'

const TIMEOUT_MS = 15_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const MAX_DETAIL_LENGTH = 500
const PAGE_SIZE = 100
/** A token is used for less than it is good for: clocks differ, and a call takes its time. */
const TOKEN_USE_SECONDS = TOKEN_SECONDS - 60

/**
 * `temporary`: the cluster does not answer, or has a fault of its own; the same call may go well later. `denied`: it does
 * not take our key, which an operator must mend. `refused`: it does not want this, however often it is asked.
 */
export type ClusterFault = 'temporary' | 'denied' | 'refused'

export class ClusterError extends Error {
  readonly fault: ClusterFault
  readonly status: number | null

  constructor(
    fault: ClusterFault,
    message: string,
    { status = null, cause }: { status?: number | null; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ClusterError'
    this.fault = fault
    this.status = status
  }
}

const isMissing = (error: unknown): boolean => error instanceof ClusterError && error.status === 404

export interface StatusPage {
  readonly statuses: readonly DeviceStatus[]
  /** Undefined at the end. */
  readonly next: string | undefined
}

export interface ClusterClient {
  version(): Promise<string>
  /** Null when the cluster has no such device. */
  status(deviceId: string): Promise<DeviceStatus | null>
  /** What of the page cannot be read is left out. */
  statuses(from: string | undefined): Promise<StatusPage>
  /** Null when the device has no such interface. */
  properties(deviceId: string, name: string): Promise<Readonly<Record<string, unknown>> | null>
  /** To an interface whose messages may get lost it goes well whether or not the device is there. */
  send(message: {
    readonly deviceId: string
    readonly interface: string
    /** With a slash at the beginning. */
    readonly path: string
    readonly value: unknown
  }): Promise<void>
  /** Which minor version of that major one is installed; null for none. */
  interfaceMinor(name: string, major: number): Promise<number | null>
  install(definition: InterfaceDefinition): Promise<void>
  upgrade(definition: InterfaceDefinition): Promise<void>
  policyNames(): Promise<readonly string[]>
  policy(name: string): Promise<unknown>
  addPolicy(policy: typeof POLICY): Promise<void>
  removePolicy(name: string): Promise<void>
  triggerNames(): Promise<readonly string[]>
  /** Null when there is none. */
  trigger(name: string): Promise<unknown>
  addTrigger(trigger: TriggerDefinition): Promise<void>
  removeTrigger(name: string): Promise<void>
}

export interface ClusterClientNeeds {
  readonly access: ClusterAccess
  readonly sign: (
    privateKey: string,
    claims: Readonly<Record<string, unknown>>,
    range: { readonly now: Date; readonly seconds: number },
  ) => Promise<string>
  readonly clock: { now(): Date }
  /** Given up when the server stops. */
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export function clusterClient({
  access: { baseUrl, realm, privateKey },
  sign,
  clock,
  signal,
  timeoutMs = TIMEOUT_MS,
}: ClusterClientNeeds): ClusterClient {
  let token: { readonly text: Promise<string>; readonly untilMs: number } | undefined

  const tokenNow = (): Promise<string> => {
    const now = clock.now()
    if (!token || token.untilMs <= now.getTime()) {
      const text = sign(privateKey, CLAIMS, { now, seconds: TOKEN_SECONDS })
      token = { text, untilMs: now.getTime() + TOKEN_USE_SECONDS * 1000 }
    }
    return token.text
  }

  /** The body of a good answer; undefined when it has none. */
  const call = async (method: Method, path: string, data?: unknown): Promise<unknown> => {
    const what = `${method} ${path}`
    const limit = AbortSignal.timeout(timeoutMs)
    try {
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        // What the key lets one do is for this host alone.
        redirect: 'manual',
        signal: signal ? AbortSignal.any([limit, signal]) : limit,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${await tokenNow()}`,
          ...(data !== undefined && { 'content-type': 'application/json' }),
        },
        body: data === undefined ? undefined : JSON.stringify({ data }),
      })
      const text = await textOf(response, what)
      if (response.ok) return text === '' ? undefined : jsonOf(text, what)
      throw refusal(what, response.status, text)
    } catch (error) {
      if (error instanceof ClusterError) throw error
      const why = limit.aborted ? `no answer within ${timeoutMs / 1000} s` : causeOf(error)
      throw new ClusterError('temporary', `${what}: ${why}`, { cause: error })
    }
  }

  const ask = async <S extends z.ZodType>(shape: S, path: string): Promise<z.output<S>> =>
    shaped(shape, await call('GET', path), path)

  const findOr404 = <T>(asked: Promise<T>): Promise<T | null> =>
    asked.catch((error) => {
      if (isMissing(error)) return null
      throw error
    })

  const devices = `${appEngine(realm)}/devices`
  const realms = realmManagement(realm)
  const of = (name: string) => encodeURIComponent(name)

  return {
    version: () => ask(VersionAnswer, `${realms}/version`),
    status: async (deviceId) => {
      const answer = await findOr404(ask(DeviceStatusAnswer, `${devices}/${of(deviceId)}`))
      return answer?.data ?? null
    },
    statuses: async (from) => {
      const more = from === undefined ? '' : `&from_token=${encodeURIComponent(from)}`
      const page = await ask(DevicePage, `${devices}?details=true&limit=${PAGE_SIZE}${more}`)
      const statuses = page.data.flatMap((each) => DeviceStatus.safeParse(each).data ?? [])
      return { statuses, next: nextToken(page) }
    },
    properties: async (deviceId, name) => {
      const path = `${devices}/${of(deviceId)}/interfaces/${of(name)}`
      return (await findOr404(ask(PropertiesAnswer, path)))?.data ?? null
    },
    send: async ({ deviceId, interface: name, path, value }) => {
      await call('POST', `${devices}/${of(deviceId)}/interfaces/${of(name)}${path}`, value)
    },
    interfaceMinor: async (name, major) => {
      const path = `${realms}/interfaces/${of(name)}/${major}`
      return (await findOr404(ask(InterfaceAnswer, path)))?.data.version_minor ?? null
    },
    install: async (definition) => {
      await call('POST', `${realms}/interfaces`, definition)
    },
    upgrade: async (definition) => {
      const { interface_name: name, version_major: major } = definition
      await call('PUT', `${realms}/interfaces/${of(name)}/${major}`, definition)
    },
    policyNames: async () => (await ask(NamesAnswer, `${realms}/policies`)).data,
    policy: async (name) =>
      (await findOr404(ask(AnyAnswer, `${realms}/policies/${of(name)}`)))?.data ?? null,
    addPolicy: async (policy) => {
      await call('POST', `${realms}/policies`, policy)
    },
    removePolicy: async (name) => {
      await findOr404(call('DELETE', `${realms}/policies/${of(name)}`))
    },
    triggerNames: async () => (await ask(NamesAnswer, `${realms}/triggers`)).data,
    trigger: async (name) =>
      (await findOr404(ask(AnyAnswer, `${realms}/triggers/${of(name)}`)))?.data ?? null,
    addTrigger: async (trigger) => {
      await call('POST', `${realms}/triggers`, trigger)
    },
    removeTrigger: async (name) => {
      await findOr404(call('DELETE', `${realms}/triggers/${of(name)}`))
    },
  }
}

function refusal(what: string, status: number, text: string): ClusterError {
  const said = status >= 300 && status < 400 ? 'it sends us elsewhere' : detailOf(text)
  return new ClusterError(faultOf(status), `${what}: ${status}${said && `, ${said}`}`, { status })
}

function faultOf(status: number): ClusterFault {
  if (status >= 500 || status === 408 || status === 429) return 'temporary'
  // Whoever else asked with this key would hear the same: no device is at fault.
  if (status === 401 || status === 403 || status < 400) return 'denied'
  return 'refused'
}

function detailOf(text: string): string {
  try {
    return (errorIn(JSON.parse(text)) ?? '').slice(0, MAX_DETAIL_LENGTH)
  } catch {
    return ''
  }
}

function jsonOf(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ClusterError('temporary', `${what}: the answer is no JSON`)
  }
}

function shaped<S extends z.ZodType>(shape: S, body: unknown, path: string): z.output<S> {
  const { data, success } = shape.safeParse(body)
  if (success) return data
  throw new ClusterError('temporary', `GET ${path}: the answer has another shape than Astarte's`)
}

/** At most so many bytes of it; what is longer is given up, so that nobody fills our memory. */
async function textOf(response: Response, what: string): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of response.body ?? []) {
    size += piece.length
    if (size > MAX_ANSWER_BYTES) {
      throw new ClusterError(
        'temporary',
        `${what}: the answer is longer than ${MAX_ANSWER_BYTES} bytes`,
      )
    }
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** What the network said; `fetch` itself says no more than that it failed. */
function causeOf(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause ?? error
  const { code, message } = cause as { code?: string; message?: string }
  return code ?? message ?? 'it failed'
}
