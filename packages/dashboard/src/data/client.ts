/** Calls of the operators' API with the session's cookie; changes carry its CSRF token. */
import { type Client, createClient } from '@updraft/api/client'

let csrfToken: string | undefined

/** Whoever signs in or finds a session tells its token here. */
export function keepCsrfToken(token: string | undefined): void {
  csrfToken = token
}

/** What a request that changes something carries besides the cookie. */
export const sessionHeaders = (): Readonly<Record<string, string>> =>
  csrfToken ? { 'x-csrf-token': csrfToken } : {}

export const api: Client = createClient({
  url: location.origin,
  fetch: (input, init) => {
    const headers = new Headers(init?.headers)
    for (const [name, value] of Object.entries(sessionHeaders())) headers.set(name, value)
    return fetch(input, { ...init, headers, credentials: 'same-origin' })
  },
})
