/** `npm start -- --demo`: the server, a small fleet that lives, and somebody who brings out new versions without end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, createClient } from '@updraft/api/client'
import { ConfigError, readConfig } from '@updraft/server/config'
import { type Platform, startPlatform } from '@updraft/server/platform'
import pino from 'pino'
import { leashOption } from './child.mjs'
import { DEMO_FOLDER, FLEET, groupOf, type Kind, nextVersion, someFile } from './demo-fleet.ts'

const SIMULATOR = fileURLToPath(
  new URL('../packages/simulator/bin/updraft-simulator.js', import.meta.url),
)
const NEW_VERSION_EVERY_MS = 45_000
const PATIENCE_MS = 15_000

type SignIn = NonNullable<Platform['firstSignIn']>

const stopAsked = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopAsked.abort())

async function main(args: readonly string[]): Promise<number> {
  const config = configFrom(args)
  if (config === 'help') {
    console.log('npm start -- --demo takes what npm start takes: npm start -- --help')
    return 0
  }
  const platform = await startPlatform({ config, log: pino({ level: config.logLevel }) })
  try {
    const signIn = await keepSignIn(config.data, platform.firstSignIn)
    const { http } = platform.endpoints
    const api = createClient({ url: http, token: signIn.token })
    const profiles = await ensureProfiles(api)
    const scenario = join(config.data, 'scenario.json')
    await writeFile(scenario, await scenarioFor(api, profiles), { mode: 0o600 })
    console.log(welcome(http, signIn))
    const fleet = startFleet(platform.endpoints, scenario, config.data)
    try {
      return await Promise.race([bringOutVersions(api, profiles), endOf(fleet)])
    } finally {
      await stopFleet(fleet)
    }
  } finally {
    await platform.stop()
  }
}

/** As `npm start` reads it, with a folder and a log of the demo's own where nobody says otherwise. */
function configFrom(args: readonly string[]) {
  return readConfig(args, {
    UPDRAFT_DATA: DEMO_FOLDER,
    UPDRAFT_LOG_LEVEL: 'error',
    ...process.env,
  })
}

/** The server shows the sign-in once; the demo shows it at each start. */
async function keepSignIn(folder: string, first: SignIn | null): Promise<SignIn> {
  const file = join(folder, 'sign-in.json')
  if (first) await writeFile(file, JSON.stringify(first), { mode: 0o600 })
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as SignIn
  throw new Error(
    `${folder} is the data of a server that was no demo. Remove it, or name another folder with --data.`,
  )
}

const welcome = (http: string, { name, password, token }: SignIn): string => `
  The demo is at   ${http}
  Sign in as       ${name}
  with password    ${password}
  API token        ${token}

  ${FLEET.length} kinds of devices are being updated while you look. In another terminal:

    export UPDRAFT_URL=${http} UPDRAFT_TOKEN=${token}
    npx updraft status

  Ctrl-C ends it; the next time it goes on from there.
`

/** The id of each kind's profile. */
async function ensureProfiles(api: Client): Promise<Map<Kind, string>> {
  const ids = new Map<Kind, string>()
  for (const kind of FLEET) {
    const { items } = await api('listProfiles', { query: { name: kind.profile } })
    const body = { name: kind.profile, description: kind.description }
    ids.set(kind, items[0]?.id ?? (await api('createProfile', { body })).id)
  }
  return ids
}

/** Devices that are not there yet enrol themselves with keys that are made anew at each start. */
async function scenarioFor(api: Client, profiles: ReadonlyMap<Kind, string>): Promise<string> {
  const groups: object[] = []
  for (const [kind, id] of profiles) {
    const { key, secret } = await api('enableProvisioning', { params: { id } })
    groups.push(groupOf(kind, { key, secret }))
  }
  return JSON.stringify({ seed: 1, groups }, null, 2)
}

/** One kind after the other gets a new version, until it is to stop. */
async function bringOutVersions(api: Client, profiles: ReadonlyMap<Kind, string>): Promise<number> {
  for (let round = 0; ; round++) {
    for (const [kind, id] of profiles) {
      // At the start each kind has something to do at once.
      if (round > 0) await pause(NEW_VERSION_EVERY_MS)
      if (stopAsked.signal.aborted) return 0
      await bringOut(api, kind, id)
    }
  }
}

async function bringOut(api: Client, kind: Kind, profileId: string): Promise<void> {
  const { profile, type, title } = kind
  const version = nextVersion(await versionsOf(api, { profileId, type, title }))
  const { sha256 } = await api('uploadArtifact', { body: someFile(kind, version) })
  const body = { title, version, type, profile, sha256, fileName: `${title}-${version}.bin` }
  const { id: releaseId } = await api('createRelease', { body })
  await api('assignToProfile', { params: { id: profileId, type }, body: { releaseId } })
  console.log(`  ${new Date().toLocaleTimeString()}  ${title}@${version} for ${profile}`)
}

async function versionsOf(
  api: Client,
  query: { profileId: string; type: string; title: string },
): Promise<string[]> {
  const versions: string[] = []
  let cursor: string | undefined
  do {
    const page = await api('listReleases', { query: { ...query, limit: 500, cursor } })
    versions.push(...page.items.map(({ version }) => version))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return versions
}

function startFleet(
  { http, mqtt, coap }: Platform['endpoints'],
  scenario: string,
  folder: string,
): ChildProcess {
  const at = [
    '--server',
    http,
    ...(mqtt ? ['--mqtt', mqtt] : []),
    ...(coap ? ['--coap', coap] : []),
  ]
  const kept = ['--tokens', join(folder, 'tokens.csv'), '--memory', join(folder, 'fleet.json')]
  const args = [leashOption, SIMULATOR, scenario, ...kept, '--quiet', ...at]
  // In a group of its own, so that a Ctrl-C reaches it through us: it stops before the server does.
  return spawn(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
    env: { ...process.env, UPDRAFT_TOKEN: '' },
  })
}

/** Only a fleet that ends by itself ends the demo as well. */
async function endOf(fleet: ChildProcess): Promise<number> {
  const [code] = await once(fleet, 'exit')
  if (stopAsked.signal.aborted) return 0
  console.error('The simulated fleet has ended; see above.')
  return code || 1
}

async function stopFleet(fleet: ChildProcess): Promise<void> {
  if (fleet.exitCode !== null || fleet.signalCode !== null) return
  const force = setTimeout(() => fleet.kill('SIGKILL'), PATIENCE_MS)
  fleet.kill('SIGTERM')
  await once(fleet, 'exit')
  clearTimeout(force)
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      stopAsked.signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, stopAsked.signal.aborted ? 0 : ms)
    stopAsked.signal.addEventListener('abort', end, { once: true })
  })

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = error instanceof ConfigError ? 2 : 1
  // Whoever stops it in the middle of something need not read what that was.
  if (!stopAsked.signal.aborted) console.error((error as Error).message)
}
process.exit()
