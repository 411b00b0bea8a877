/** Another tenant of a test's platform: how its administrator comes in, by a session and by a token. */
import type { TestPlatform } from './platform.ts'

export interface OtherTenant {
  readonly token: string
  readonly cookie: string
  readonly csrfToken: string
}

export async function otherTenant(
  platform: TestPlatform,
  { name, administrator: person }: { name: string; administrator: string },
): Promise<OtherTenant> {
  const { administrator } = await platform.api('createTenant', {
    body: { name, administrator: { name: person } },
  })
  const signedIn = await fetch(`${platform.url}/api/session`, {
    method: 'POST',
    body: JSON.stringify({ name: administrator.name, password: administrator.password }),
  })
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  const { csrfToken } = (await signedIn.json()) as { csrfToken: string }
  const made = await fetch(`${platform.url}/api/tokens`, {
    method: 'POST',
    headers: { cookie, 'x-csrf-token': csrfToken },
    body: JSON.stringify({ name: 'of a test' }),
  })
  const { token } = (await made.json()) as { token: string }
  return { token, cookie, csrfToken }
}
