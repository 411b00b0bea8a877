/** hawkBit's management API as scripts ask it: name and password with each request, JSON or a form. */
import { ADMIN_TOKEN, type TestPlatform } from './platform.ts'

export interface Answered {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects of it.
  readonly json: any
}

export type Manage = (method: string, path: string, body?: unknown) => Promise<Answered>

export const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

/** Asks below /rest/v1 as the administrator, unless told as whom. */
export const management =
  (
    { url }: Pick<TestPlatform, 'url'>,
    authorization: string | null = basic('admin', ADMIN_TOKEN),
  ): Manage =>
  async (method, path, body) => {
    const isForm = body instanceof FormData
    const response = await fetch(`${url}/rest/v1/${path}`, {
      method,
      headers: {
        ...(authorization !== null && { authorization }),
        ...(body !== undefined && !isForm && { 'content-type': 'application/json;charset=UTF-8' }),
      },
      body: body === undefined ? undefined : isForm ? body : JSON.stringify(body),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      json: text === '' ? undefined : JSON.parse(text),
    }
  }

export function fileForm(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  fields: Readonly<Record<string, string>> = {},
): FormData {
  const form = new FormData()
  for (const [key, value] of Object.entries(fields)) form.set(key, value)
  form.set('file', new Blob([bytes]), name)
  return form
}

/** A module with its file, and a set of it alone; answers their numbers. */
export async function addSet(
  manage: Manage,
  {
    name,
    version = '1.0',
    type = 'os',
    fileName = 'bundle.raucb',
    bytes,
  }: {
    name: string
    version?: string
    type?: string
    fileName?: string
    bytes: Uint8Array<ArrayBuffer>
  },
): Promise<{ moduleId: number; setId: number }> {
  const module = await manage('POST', 'softwaremodules', [{ name, version, type }])
  const moduleId: number = module.json[0].id
  await manage('POST', `softwaremodules/${moduleId}/artifacts`, fileForm(fileName, bytes))
  const set = await manage('POST', 'distributionsets', [
    { name: `DS ${name}`, version, type: 'os', modules: [{ id: moduleId }] },
  ])
  return { moduleId, setId: set.json[0].id }
}
