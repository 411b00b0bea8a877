/** Calls of the operators' API with the session's cookie; changes carry its CSRF token. */
import { type Client, createClient } from '@updraft/api/client'

let csrfToken: string | undefined

/** Whoever signs in or finds a session tells its token here. */
export function keepCsrfToken(token: string | undefined): void {
  csrfToken = token
}

export const api: Client = createClient({
  url: location.origin,
  fetch: (input, init) => {
    const headers = new Headers(init?.headers)
    if (csrfToken) headers.set('x-csrf-token', csrfToken)
    return fetch(input, { ...init, headers, credentials: 'same-origin' })
  },
})
