/** Which token each device has: from a file of lines NAME,TOKEN, and of those who enrol themselves, added to it. */
import { appendFile, readFile } from 'node:fs/promises'
import { codeOf, messageOf } from '@updraft/agent'
import { PATHS, RegisterAnswer } from '@updraft/wire/astarte-pairing'
import {
  HTTP_PATHS,
  type ProvisionRequest,
  type ProvisionResponse,
} from '@updraft/wire/thingsboard'
import { astarteIdOf } from './astarte-id.ts'
import type { Planned } from './fleet.ts'
import { HAWKBIT_DIALECTS } from './scenario.ts'

/** So many enrol at once. */
const AT_ONCE = 8
const ENROLMENT_TIMEOUT_MS = 60_000

export interface Enrolment {
  readonly tokens: ReadonlyMap<string, string>
  /** Who has none, and why. */
  readonly refused: readonly { readonly name: string; readonly because: string }[]
}

/** Enrols who has no token yet. The file may be missing; without a name for it, nothing is kept. */
export async function tokensFor(
  plan: readonly Planned[],
  { server, file }: { server: string; file: string | null },
): Promise<Enrolment> {
  const tokens = new Map(file === null ? [] : parseTokens(await textOf(file)))
  const refused: { name: string; because: string }[] = []
  const missing = plan.filter((planned) => !tokens.has(planned.name) && needsToken(planned))
  const enrolNext = async (): Promise<void> => {
    for (let next = missing.shift(); next !== undefined; next = missing.shift()) {
      const { name } = next
      const answer = await enrol(server, next)
      if ('because' in answer) {
        refused.push({ name, because: answer.because })
        continue
      }
      tokens.set(name, answer.token)
      if (file !== null) await appendFile(file, `${name},${answer.token}\n`, { mode: 0o600 })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, enrolNext))
  return { tokens, refused }
}

/** Agents of Ioto register when they run, and so do those with a gateway's token; Ioto's Updaters may share one. */
function needsToken({ dialect, group }: Planned): boolean {
  if (dialect === 'ioto-updater') return !group.ioto?.cloudToken
  if (HAWKBIT_DIALECTS.includes(dialect)) return group.hawkbit.gatewayToken === null
  return dialect !== 'ioto'
}

/** Lines of NAME,TOKEN; a head line `name,token` and empty lines are passed over. */
export function parseTokens(text: string): [name: string, token: string][] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [name = '', token = ''] = line.split(',').map((cell) => cell.trim())
    return name === '' || token === '' || line.startsWith('name,token') ? [] : [[name, token]]
  })
}

type Enrolled = { token: string } | { because: string }

const enrol = (server: string, planned: Planned): Promise<Enrolled> =>
  planned.dialect === 'edgehog' ? register(server, planned) : provision(server, planned)

/** What it is given is the secret of its credentials (docs/dialects/edgehog.md, "Pairing"). */
async function register(server: string, { name, group }: Planned): Promise<Enrolled> {
  if (group.edgehog === null) return { because: 'no realm to register in' }
  const { realm, agentToken } = group.edgehog
  const url = `${server.replace(/\/+$/, '')}/pairing${PATHS.register(realm)}`
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${agentToken}` },
      body: JSON.stringify({ data: { hw_id: astarteIdOf(name) } }),
      signal: AbortSignal.timeout(ENROLMENT_TIMEOUT_MS),
    })
    const text = await response.text()
    if (response.status !== 201) return { because: `${response.status}: ${text.slice(0, 200)}` }
    return { token: RegisterAnswer.parse(JSON.parse(text)).data.credentials_secret }
  } catch (error) {
    return { because: `it cannot register at ${server}: ${messageOf(error)}` }
  }
}

/** ThingsBoard's enrolment over HTTP, whatever is spoken afterwards (docs/dialects/thingsboard.md, "Provisioning"). */
async function provision(server: string, { name, group }: Planned): Promise<Enrolled> {
  if (group.provisioning === null) return { because: 'no token, and no key to enrol with' }
  const request: ProvisionRequest = {
    deviceName: name,
    provisionDeviceKey: group.provisioning.key,
    provisionDeviceSecret: group.provisioning.secret,
  }
  try {
    const response = await fetch(new URL(HTTP_PATHS.provision, server), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(ENROLMENT_TIMEOUT_MS),
    })
    const answer = (await response.json()) as ProvisionResponse
    return answer.status === 'SUCCESS'
      ? { token: String(answer.credentialsValue) }
      : { because: answer.errorMsg }
  } catch (error) {
    return { because: `it cannot enrol at ${server}: ${messageOf(error)}` }
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  }
}
