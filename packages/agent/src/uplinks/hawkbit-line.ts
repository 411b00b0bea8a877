/**
 * The requests of hawkBit's language (docs/dialects/hawkbit.md) over HTTP. What belongs to the device is asked for below
 * the address its owner named, whatever host a server behind a proxy believes to have; its token goes nowhere else.
 */
import type { Json } from '@updraft/core'
import {
  basePath,
  CancelDocument,
  DeploymentDocument,
  PATHS,
  PollAnswer,
  readActionId,
} from '@updraft/wire/hawkbit'
import { exchangeText, refusal } from '../http.ts'
import { jsonOf } from '../json.ts'
import { Away } from '../trouble.ts'

/** Whose token it is: of this device alone, or of whoever comes. */
export const HAWKBIT_AUTHS = ['target', 'gateway'] as const
export type HawkbitAuth = (typeof HAWKBIT_AUTHS)[number]

export interface HawkbitPlace {
  /** Such as https://updates.example; it may have a path. */
  readonly server: string
  readonly tenant: string
  /** By which the device is known there. */
  readonly controllerId: string
  readonly auth: HawkbitAuth
  /** Asked for before each request, so that a new token on disk is taken up. */
  readonly token: () => Promise<string>
  readonly userAgent: string
  readonly answerTimeoutMs: number
}

/** A link to an action, with what only marks a change. */
export interface ActionLink {
  readonly actionId: string
  readonly query: string
}

/** Where feedback goes. */
export type FeedbackAt = 'deploymentBase' | 'cancelAction' | 'confirmationBase'

export class HawkbitLine {
  readonly #place: HawkbitPlace
  readonly #base: string

  constructor(place: HawkbitPlace) {
    const { server, tenant, controllerId } = place
    this.#place = place
    this.#base = server.replace(/\/+$/, '') + basePath(tenant, controllerId)
  }

  async poll(signal: AbortSignal): Promise<PollAnswer> {
    const answer = await this.#ask('GET', PATHS.base, { signal })
    if (answer.status !== 200) throw refusal(answer)
    const read = PollAnswer.safeParse(jsonOf(answer.text))
    if (read.success) return read.data
    // A captive portal, or something else that is not the server, also answers 200.
    throw new Away('The answer to a poll is none of hawkBit.', { kind: 'busy', cause: read.error })
  }

  /** What an action asks for; null when it is not to be had any more. */
  async deployment(
    { actionId, query }: ActionLink,
    signal: AbortSignal,
  ): Promise<DeploymentDocument | null> {
    const path = `${PATHS.deploymentBase}/${actionId}${query}`
    const answer = await this.#ask('GET', path, { signal })
    if (isGone(answer.status)) return null
    if (answer.status !== 200) throw refusal(answer)
    const read = DeploymentDocument.safeParse(jsonOf(answer.text))
    if (read.success) return read.data
    const message = `What action ${actionId} asks for cannot be read.`
    throw new Away(message, { kind: 'busy', cause: read.error })
  }

  /** Which action is to be stopped; null when none is any more. */
  async toStop({ actionId }: ActionLink, signal: AbortSignal): Promise<string | null> {
    const answer = await this.#ask('GET', `${PATHS.cancelAction}/${actionId}`, { signal })
    if (isGone(answer.status)) return null
    if (answer.status !== 200) throw refusal(answer)
    return CancelDocument.safeParse(jsonOf(answer.text)).data?.cancelAction.stopId ?? actionId
  }

  /** `over`: the server will hear no more of it, or not there. */
  async feedback(
    at: FeedbackAt,
    actionId: string,
    body: Json,
    signal: AbortSignal,
  ): Promise<'taken' | 'over'> {
    const path = `${PATHS[at]}/${actionId}${PATHS.feedback}`
    const answer = await this.#ask('POST', path, { body, signal })
    if (answer.status >= 200 && answer.status < 300) return 'taken'
    if (isGone(answer.status) || answer.status === 405) return 'over'
    // Another word came in between: the same again is taken.
    if (answer.status === 409) throw new Away('The server answers 409.', { kind: 'busy' })
    throw refusal(answer)
  }

  /** Answers false when the server does not take such a thing. */
  async put(
    path: '/configData' | '/installedBase',
    body: Json,
    signal: AbortSignal,
  ): Promise<boolean> {
    const answer = await this.#ask('PUT', path, { body, signal })
    if (answer.status >= 200 && answer.status < 300) return true
    const trouble = refusal(answer)
    if (trouble.kind === 'refused' || answer.status === 429) return false
    throw trouble
  }

  /** What lets us fetch from there: nothing, at somebody else's address. */
  async authorizationFor(address: string): Promise<string | undefined> {
    if (new URL(address).origin !== new URL(this.#place.server).origin) return undefined
    return await this.#authorization()
  }

  async #authorization(): Promise<string> {
    const { auth, token } = this.#place
    return `${auth === 'gateway' ? 'GatewayToken' : 'TargetToken'} ${await token()}`
  }

  async #ask(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    { body, signal }: { body?: Json; signal: AbortSignal },
  ) {
    const { userAgent, answerTimeoutMs } = this.#place
    return await exchangeText({
      url: this.#base + path,
      method,
      headers: {
        authorization: await this.#authorization(),
        accept: 'application/json',
        'user-agent': userAgent,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      timeoutMs: answerTimeoutMs,
      signal,
    })
  }
}

const isGone = (status: number): boolean => status === 404 || status === 410

/** Null for a link that names no action. */
export function actionLinked(link: { readonly href: string } | undefined): ActionLink | null {
  const [, number, query = ''] = /\/(\d+)(\?[^#]*)?(?:#.*)?$/.exec(link?.href ?? '') ?? []
  const actionId = readActionId(number ?? '')
  return actionId === undefined ? null : { actionId: String(actionId), query }
}
