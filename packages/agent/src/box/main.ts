/** `updraft-agent box`: settings in, exit code out. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import * as promises from 'node:fs/promises'
import { hostname, uptime } from 'node:os'
import { join, resolve } from 'node:path'
import { restartByCommand } from '../commands.ts'
import type { Disk } from '../disk.ts'
import { factsFrom } from '../facts.ts'
import { lockFolder, readBootId, StateFolderTaken } from '../lock.ts'
import { type Log, lineLog } from '../log.ts'
import { readSecret } from '../secret-file.ts'
import { WrongSettings } from '../settings-table.ts'
import { messageOf } from '../trouble.ts'
import { updraftUplink } from '../uplinks/updraft.ts'
import { systemClock } from '../waits.ts'
import { Box } from './box.ts'
import { compose } from './compose.ts'
import { ConfigFile, WrongConfig } from './config.ts'
import { KeptForm } from './form.ts'
import { Actions } from './home/actions.ts'
import { Live } from './home/live.ts'
import { Home } from './home/server.ts'
import { Sessions } from './home/sessions.ts'
import { statusOf } from './home/status.ts'
import { Jobs } from './jobs.ts'
import type { LayerStatus } from './layer.ts'
import { LogRing, ringLog } from './log-ring.ts'
import { identityOf, interfacesNow, vitalsNow } from './machine.ts'
import { hashPin, isPinOf, newPin, PinGuard } from './pin.ts'
import {
  type BoxCommand,
  type BoxSettings,
  boxHelpText,
  isPin,
  readBoxCommand,
} from './settings.ts'
import { Wishes } from './wishes.ts'

const EXIT = { done: 0, failed: 1, wrongSettings: 2, folderTaken: 3 } as const

const HOME_RETRY_MS = 10_000
/** A machine that was asked to restart ends this program by then. */
const RESTART_PATIENCE_MS = 600_000

export interface BoxProgram {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
}

export async function runBox({ argv, env, version }: BoxProgram): Promise<number> {
  let command: BoxCommand
  try {
    command = readBoxCommand(argv, env)
  } catch (error) {
    return wrongSettings(error)
  }
  switch (command.kind) {
    case 'help':
      process.stdout.write(boxHelpText())
      return EXIT.done
    case 'version':
      process.stdout.write(`${version}\n`)
      return EXIT.done
    case 'export':
      return await exportConfig(command)
    case 'import':
      return await locked(command.settings, (folder) => importConfig(folder, command.file))
    case 'new-pin':
      return await locked(command.settings, replacePin)
    case 'run':
      return await run(command.settings, { env, version })
    default:
      return command satisfies never
  }
}

async function exportConfig({
  settings,
  withSecrets,
}: Extract<BoxCommand, { kind: 'export' }>): Promise<number> {
  const folder = resolve(settings.stateFolder)
  if (!existsSync(join(folder, 'config.json'))) {
    process.stderr.write(`There is no configuration in ${folder} yet.\n`)
    return EXIT.failed
  }
  const config = await configIn(folder)
  process.stdout.write(config.export({ withSecrets }))
  return EXIT.done
}

async function importConfig(folder: string, file: string): Promise<number> {
  const config = await configIn(folder)
  try {
    await config.import(await promises.readFile(file, 'utf8'))
  } catch (error) {
    process.stderr.write(
      `The configuration is not imported, and nothing is changed: ${messageOf(error)}\n`,
    )
    return error instanceof WrongConfig ? EXIT.wrongSettings : EXIT.failed
  }
  process.stdout.write('The configuration is imported.\n')
  return EXIT.done
}

async function replacePin(folder: string): Promise<number> {
  const config = await configIn(folder)
  const pin = newPin()
  await config.change({ pin: await hashPin(pin) })
  sayPin(pin)
  return EXIT.done
}

async function configIn(folder: string): Promise<ConfigFile> {
  const config = new ConfigFile({ disk: promises, folder })
  await config.load()
  return config
}

/** With the folder for itself: what a running box knows must not be written over. */
async function locked(
  { stateFolder }: BoxSettings,
  work: (folder: string) => Promise<number>,
): Promise<number> {
  const folder = resolve(stateFolder)
  await promises.mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    const lock = await lockFolder(promises, folder, await readBootId())
    try {
      return await work(folder)
    } finally {
      await lock.release()
    }
  } catch (error) {
    if (!(error instanceof StateFolderTaken)) throw error
    process.stderr.write(`${error.message} Stop it first, or use its page.\n`)
    return EXIT.folderTaken
  }
}

async function run(
  settings: BoxSettings,
  { env, version }: Pick<BoxProgram, 'env' | 'version'>,
): Promise<number> {
  const stateFolder = resolve(settings.stateFolder)
  const disk: Disk = promises
  await promises.mkdir(stateFolder, { recursive: true, mode: 0o700 })
  const bootId = await readBootId()
  const printed = lineLog({
    level: settings.logLevel,
    format: settings.logFormat ?? (process.stderr.isTTY ? 'text' : 'json'),
    write: (line) => process.stderr.write(line),
  })
  try {
    const lock = await lockFolder(disk, stateFolder, bootId)
    try {
      return await live(settings, { env, version, stateFolder, disk, bootId, printed })
    } finally {
      await lock.release()
    }
  } catch (error) {
    if (error instanceof WrongSettings) return wrongSettings(error)
    if (!(error instanceof StateFolderTaken)) throw error
    printed.error(error.message)
    return EXIT.folderTaken
  }
}

interface Surroundings extends Pick<BoxProgram, 'env' | 'version'> {
  readonly stateFolder: string
  readonly disk: Disk
  readonly bootId: string
  readonly printed: Log
}

/** Everything is put together, the page first; then the box lives until it is stopped or has to start anew. */
async function live(settings: BoxSettings, around: Surroundings): Promise<number> {
  const { env, version, stateFolder, disk, bootId, printed } = around
  const clock = systemClock
  const now = () => new Date()
  const time = { bootId, wallMs: Date.now, upSeconds: uptime }
  const ring = new LogRing({ disk, folder: join(stateFolder, 'log'), time })
  const log = ringLog(ring, printed)
  await ring.load()
  const config = new ConfigFile({ disk, folder: stateFolder })
  const form = new KeptForm({ disk, folder: stateFolder, now })
  const wishes = new Wishes({ disk, folder: stateFolder })
  const unreadable = await config.load()
  if (unreadable) log.error('The configuration cannot be read; it is kept beside.', { unreadable })
  await Promise.all([form.load(), wishes.load()])
  if (settings.isTokenOnArgv)
    log.warn('The token on the command line is visible to every user of this machine.')
  await seeToPin(settings, config)
  const identity = await identityOf(disk, stateFolder, settings.boxId)

  let homePort: number | null = null
  const jobs = new Jobs({
    disk,
    folder: stateFolder,
    now,
    statusOf: (name): LayerStatus | null => layers[name].status(),
  })
  const composed = await compose({
    settings,
    config: config.current,
    stateFolder,
    disk,
    clock,
    bootId,
    log,
    environment: env,
    onProgress: (progress) => jobs.progress(progress),
    onChange: () => box.emit('change'),
    restart: async () => {
      if (settings.boot === 'simulator') box.leave()
      else await restartByCommand(settings.restartCommand)()
    },
    homeUrl: () => `http://${ownAddress(settings.homeHost)}:${homePort ?? settings.homePort}`,
    serverUrl: () => box.server?.url ?? null,
  })
  const { layers, kind } = composed
  const { token, tokenFile } = settings
  const machineFacts = factsFrom({
    disk,
    stateFolder,
    agentVersion: version,
    file: settings.factsFile,
    log,
  })
  const box: Box = new Box({
    settings,
    stateFolder,
    disk,
    clock,
    now,
    log,
    ring,
    config,
    form,
    wishes,
    jobs,
    layers,
    bootId,
    identifier: identity.identifier,
    facts: async () => ({
      ofTheMachine: await machineFacts(),
      identifier: identity.identifier,
      serial: identity.serial,
      model: identity.model,
      networkNotes: config.current.network,
      name: config.current.name,
      hostName: hostname(),
      kind,
      homePort,
    }),
    uplinkTo: (server) =>
      updraftUplink({
        server: server.url,
        token: server.token,
        answerTimeoutMs: settings.answerTimeoutMs,
      }),
    settingsToken:
      tokenFile !== null
        ? () => readSecret(tokenFile, 'token')
        : token !== null
          ? async () => token
          : null,
    restartMachine: composed.restart,
  })
  const start = randomUUID()
  const status = () =>
    statusOf(
      {
        box,
        layers,
        start,
        version,
        kind,
        identity,
        vitals: () => vitalsNow(disk, stateFolder),
        network: interfacesNow,
      },
      { config, form, jobs },
    )
  const sessions = await Sessions.open({
    disk,
    folder: stateFolder,
    pin: () => config.current.pin,
    now,
  })
  const live = new Live(status)
  box.on('change', () => live.changed())
  const home = new Home({
    actions: new Actions({ box, config, sessions, guard: new PinGuard(clock) }),
    live,
    names: settings.homeNames,
    status,
    log: (since, most) => ring.since(since, most),
  })
  const closing = new AbortController()
  stopBySignal(() => box.stop(), log)
  log.info('The box starts.', { version, kind, identifier: identity.identifier })
  homePort = await openHome(home, settings, {
    log,
    signal: closing.signal,
    onPort: (port) => {
      homePort = port
    },
  })
  try {
    const end = await box.run()
    if (end === 'restart') {
      log.info('The machine restarts.')
      await ring.flush()
      await composed.restart()
      if (!composed.isSimulated) await clock.wait(RESTART_PATIENCE_MS, box.ended)
    } else log.info(end === 'exit' ? 'The program ends to start anew.' : 'The box stops.')
    return EXIT.done
  } finally {
    closing.abort()
    await home.close()
    await composed.end()
    await jobs.flush()
    await ring.flush()
  }
}

/** A page that cannot listen is no reason not to be updated: it is tried again, and the box goes on meanwhile. */
async function openHome(
  home: Home,
  { homeHost, homePort }: BoxSettings,
  { log, signal, onPort }: { log: Log; signal: AbortSignal; onPort: (port: number) => void },
): Promise<number | null> {
  const tryOnce = async (): Promise<number | null> => {
    try {
      const port = await home.open(homeHost, homePort)
      log.info('The page of the box is open.', { port })
      process.stdout.write(`The page of this box: http://${shown(homeHost)}:${port}\n`)
      return port
    } catch (error) {
      log.error('The page cannot listen.', { because: messageOf(error) })
      return null
    }
  }
  const port = await tryOnce()
  if (port !== null) return port
  void (async () => {
    while (!signal.aborted) {
      await systemClock.wait(HOME_RETRY_MS, signal)
      const late = signal.aborted ? null : await tryOnce()
      if (late !== null) return onPort(late)
    }
  })()
  return null
}

/** What another machine may know this one by. */
const shown = (host: string): string => (isEverywhere(host) ? hostname() : inUrl(host))

const ownAddress = (host: string): string => (isEverywhere(host) ? '127.0.0.1' : inUrl(host))

const isEverywhere = (host: string): boolean => host === '0.0.0.0' || host === '::'
const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** The PIN of the settings counts; without one it is made up once, printed, and kept as a hash only. */
async function seeToPin({ pin, pinFile }: BoxSettings, config: ConfigFile): Promise<void> {
  const given = pin ?? (pinFile === null ? null : await readPin(pinFile))
  const known = config.current.pin
  if (given !== null) {
    if (!known || !(await isPinOf(given, known))) await config.change({ pin: await hashPin(given) })
    return
  }
  if (known) return
  const made = newPin()
  await config.change({ pin: await hashPin(made) })
  sayPin(made)
}

async function readPin(path: string): Promise<string> {
  const pin = await promises.readFile(path, 'utf8').catch((error: unknown) => {
    throw new WrongSettings(`--pin-file cannot be read: ${messageOf(error)}.`)
  })
  if (isPin(pin.trim())) return pin.trim()
  throw new WrongSettings('--pin-file holds no PIN: 4 to 32 signs without a blank.')
}

const sayPin = (pin: string): void => {
  process.stdout.write(`The PIN of the page is ${pin}. It is not shown again; keep it.\n`)
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

function wrongSettings(error: unknown): number {
  if (!(error instanceof WrongSettings)) throw error
  process.stderr.write(`${error.message}\nupdraft-agent box --help shows all settings.\n`)
  return EXIT.wrongSettings
}
