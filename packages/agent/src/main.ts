/** The agent as a program: settings in, exit code out. */
import { readFileSync } from 'node:fs'
import * as promises from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { RunEnd } from './agent.ts'
import { askByCommand, restartByCommand } from './commands.ts'
import { createAgent } from './create-agent.ts'
import { type DeviceFolder, readDeviceFolder, WrongFolder } from './device-folder.ts'
import { edgehogUplinkFrom } from './edgehog-device.ts'
import { factsFrom } from './facts.ts'
import { parseInstalled } from './installed.ts'
import { scriptInstaller } from './installers/script.ts'
import { iotoUplinkFrom, propertiesFrom } from './ioto-device.ts'
import { StateFolderTaken } from './lock.ts'
import { type Log, lineLog } from './log.ts'
import { readSecret } from './secret-file.ts'
import { helpText, readSettings, type Settings } from './settings.ts'
import { WrongSettings } from './settings-table.ts'
import type { Uplink } from './uplink.ts'
import { hawkbitUplink } from './uplinks/hawkbit.ts'
import { thingsBoardUplink } from './uplinks/thingsboard.ts'
import { updraftUplink } from './uplinks/updraft.ts'
import { systemClock } from './waits.ts'

const EXIT = { done: 0, failed: 1, wrongSettings: 2, folderTaken: 3 } as const

async function main(): Promise<number> {
  const [first, ...rest] = process.argv.slice(2)
  if (first === 'box') {
    // An agent of a single device needs nothing of it.
    const { runBox } = await import('./box/main.ts')
    return await runBox({ argv: rest, env: process.env, version: ownVersion() })
  }
  const read = settingsOrText()
  if (typeof read === 'number') return read
  const { settings, folder } = read
  const log = lineLog({
    level: settings.logLevel,
    format: settings.logFormat ?? (process.stderr.isTTY ? 'text' : 'json'),
    write: (line) => process.stderr.write(line),
  })
  if (settings.isTokenOnArgv)
    log.warn('The token on the command line is visible to every user of this machine.')
  const options = await optionsFrom(settings, folder, log).catch(wrongSettings)
  if (typeof options === 'number') return options
  const agent = await createAgent(options)
  stopBySignal(() => agent.stop(), log)
  log.info('updraft-agent starts.', {
    version: ownVersion(),
    server: settings.server,
    uplink: settings.uplink,
  })
  try {
    return exitCode(await agent.run({ once: settings.isOnce }), log)
  } catch (error) {
    if (!(error instanceof StateFolderTaken)) throw error
    log.error(error.message)
    return EXIT.folderTaken
  }
}

async function optionsFrom(settings: Settings, folder: DeviceFolder | null, log: Log) {
  const stateFolder = resolve(settings.stateFolder)
  await promises.mkdir(stateFolder, { recursive: true, mode: 0o700 })
  const types = await typesOf(settings, stateFolder)
  const installer = scriptInstaller({
    script: settings.installScript,
    environment: process.env,
    folder: stateFolder,
    timeoutMs: settings.installTimeoutSeconds * 1000,
    clock: systemClock,
  })
  const onlyType = types.length === 1 ? types[0] : undefined
  const { versionCommand, restartCommand, installed } = settings
  return {
    ...settings,
    uplink: await uplinkFrom(settings, folder, stateFolder),
    stateFolder,
    installed,
    askInstalled: versionCommand ? askByCommand(versionCommand, onlyType) : undefined,
    installers: Object.fromEntries(types.map((type) => [type, installer])),
    facts: factsFrom({
      disk: promises,
      stateFolder,
      agentVersion: ownVersion(),
      file: settings.factsFile,
      properties: folder ? propertiesFrom(folder) : {},
      // Whoever is played says nothing of this agent.
      isOwnersOnly: settings.uplink === 'ioto' && settings.iotoClient !== 'updraft',
      log,
    }),
    restart: restartByCommand(restartCommand),
    log,
  }
}

async function uplinkFrom(
  settings: Settings,
  folder: DeviceFolder | null,
  stateFolder: string,
): Promise<Uplink> {
  const { uplink, token, tokenFile } = settings
  const hasToken = token !== null || tokenFile !== null
  const readToken = async (): Promise<string> =>
    tokenFile === null ? (token ?? '') : await readSecret(tokenFile, 'token')
  switch (uplink) {
    case 'updraft':
      return updraftUplink({ ...settings, token: readToken })
    case 'thingsboard':
      return thingsBoardUplink({ ...settings, token: readToken })
    case 'ioto': {
      return await iotoUplinkFrom(settings, {
        folder,
        stateFolder,
        token: hasToken ? readToken : undefined,
      })
    }
    case 'edgehog':
      return edgehogUplinkFrom(settings, { stateFolder, token: hasToken ? readToken : undefined })
    case 'hawkbit': {
      const { deviceId: id, hawkbitTenant: tenant, hawkbitAuth: auth } = settings
      const confirms = settings.confirmsHawkbit
      return hawkbitUplink({ ...settings, id, tenant, auth, confirms, token: readToken })
    }
    default:
      return uplink satisfies never
  }
}

/** The component types the script installs: those named, and those known to be installed. */
async function typesOf({ types, installed }: Settings, stateFolder: string): Promise<string[]> {
  const file = await promises
    .readFile(join(stateFolder, 'installed.json'), 'utf8')
    .catch(() => '{}')
  const known = (() => {
    try {
      return Object.keys(parseInstalled(file))
    } catch {
      return []
    }
  })()
  const all = [...new Set([...types, ...Object.keys(installed), ...known])]
  return all.length > 0 ? all : ['firmware']
}

function exitCode(end: RunEnd, log: Log): number {
  if (end.kind === 'failed') log.error('It failed.', { because: end.error })
  if (end.kind === 'exit') log.info('Ends, so that the new version can be started.')
  return end.kind === 'failed' ? EXIT.failed : EXIT.done
}

/** The first signal stops at the next point to go on from; the second does not wait for it. */
function stopBySignal(stop: () => void, log: Log): void {
  let isStopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(EXIT.failed)
      isStopping = true
      log.info(`Stops on ${signal}.`)
      stop()
    })
  }
}

function settingsOrText(): { settings: Settings; folder: DeviceFolder | null } | number {
  try {
    let folder: DeviceFolder | null = null
    const settings = readSettings(process.argv.slice(2), process.env, (path) => {
      folder = readDeviceFolder(path)
      return folder.settings
    })
    if (typeof settings !== 'string') return { settings, folder }
    process.stdout.write(settings === 'help' ? helpText() : `${ownVersion()}\n`)
    return EXIT.done
  } catch (error) {
    return wrongSettings(error)
  }
}

function wrongSettings(error: unknown): number {
  if (!(error instanceof WrongSettings || error instanceof WrongFolder)) throw error
  process.stderr.write(`${error.message}\nupdraft-agent --help shows all settings.\n`)
  return EXIT.wrongSettings
}

function ownVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

process.exit(await main())
