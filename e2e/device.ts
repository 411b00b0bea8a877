/** A device of our own protocol, in a test's hands. */
import type { CheckInRequest, CheckInResponse, Offer, ReportResponse } from '@updraft/wire/updraft'

export interface Spoken<T> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

export interface TestDevice {
  readonly token: string
  /** The answer, whatever its status. */
  checkIn(
    body?: CheckInRequest,
    options?: { prefer?: string; signal?: AbortSignal },
  ): Promise<Spoken<CheckInResponse>>
  /** The offers of a check-in, as `title@version`. */
  offers(body?: CheckInRequest): Promise<string[]>
  /** The first offer; fails when there is none. */
  offer(body?: CheckInRequest): Promise<Offer>
  report(operation: string, body: unknown): Promise<Spoken<ReportResponse & { code?: string }>>
}

export function testDevice(url: string, token: string): TestDevice {
  const post = async <T>(path: string, body: unknown, init: RequestInit): Promise<Spoken<T>> => {
    const answer = await fetch(`${url}/device/v1/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
    })
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as T }
  }
  const checkIn: TestDevice['checkIn'] = (body = {}, { prefer, signal } = {}) =>
    post('check-in', body, { signal, headers: prefer ? { prefer } : {} })
  const answered = async (body?: CheckInRequest) => {
    const { status, body: answer } = await checkIn(body)
    if (status !== 200)
      throw new Error(`The check-in was answered ${status}: ${JSON.stringify(answer)}`)
    return answer.offers
  }
  return {
    token,
    checkIn,
    offers: async (body) =>
      (await answered(body)).map(({ title, version }) => `${title}@${version}`),
    offer: async (body) => {
      const [offer] = await answered(body)
      if (!offer) throw new Error('Nothing was offered.')
      return offer
    },
    report: (operation, body) => post(`operations/${operation}/report`, body, {}),
  }
}

/** What a device says that runs `title@version`. */
export const runs = (name: string, type = 'firmware'): CheckInRequest => {
  const [title, version] = name.split('@')
  return { installed: { [type]: { title, version } } }
}
