/** Starts and stops the platform; signals; exit codes: 0 stopped as asked, 1 failed, 2 wrong settings. */
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import pretty from 'pino-pretty'
import { ConfigError, helpText, readConfig } from './config.ts'
import { type FirstSignIn, type Platform, startPlatform } from './platform.ts'

/** A stop that takes longer than this is given up. */
const STOP_WITHIN_MS = 20_000

export async function main(argv?: readonly string[]): Promise<void> {
  let config: ReturnType<typeof readConfig>
  try {
    config = readConfig(argv)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\nSee updraft serve --help.\n`)
    process.exitCode = 2
    return
  }
  if (config === 'help') {
    process.stdout.write(helpText())
    return
  }

  const options = { level: config.logLevel, base: undefined }
  const isTerminal = process.stdout.isTTY
  const log = isTerminal
    ? pino(
        options,
        pretty({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }),
      )
    : pino(options, pino.destination({ dest: 1, sync: false }))

  const stopAsked = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(signal))
  })
  // Counted from the signal on, also when it comes while the start is still at work.
  void stopAsked.then((signal) => {
    log.info({ signal }, 'stopping')
    setTimeout(() => {
      log.error('the stop took too long; what is left is abandoned')
      process.exit(1)
    }, STOP_WITHIN_MS).unref()
  })
  const startedAt = performance.now()
  try {
    const platform = await startPlatform({ config, log })
    log.info({ ...platform.endpoints, ms: Math.round(performance.now() - startedAt) }, 'ready')
    process.stdout.write(welcome(platform.endpoints, platform.firstSignIn))
    await stopAsked
    await platform.stop()
    log.info('stopped')
  } catch (error) {
    log.fatal({ err: error }, 'could not start')
    process.stderr.write(`${reasonOf(error)}\n`)
    process.exitCode = 1
  }
  log.flush()
}

/** Why it could not start, for whoever started it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, address, port, message } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  if (code === 'EADDRINUSE') {
    return `Port ${port} at ${address} is taken: another program, or another Updraft, listens there. Choose another one; see updraft serve --help.`
  }
  if (code === 'EACCES' && port !== undefined) {
    return `Port ${port} is not for this user to listen at; choose one above 1023.`
  }
  if (code === 'EADDRNOTAVAIL') return `This machine has no address ${address} to listen at.`
  return message
}

function welcome(
  { http, https, ...others }: Platform['endpoints'],
  firstSignIn: FirstSignIn | null,
): string {
  const doors = Object.values(others).map((address) => `  and for devices at  ${address}\n`)
  const within = https === undefined || https === http ? '' : `  and within TLS at     ${https}\n`
  const ready = `\n  Updraft is ready at ${http}\n${within}${doors.join('')}`
  if (!firstSignIn) return `${ready}\n`
  return `${ready}
  Sign in as       ${firstSignIn.name}
  with password    ${firstSignIn.password}
  API token        ${firstSignIn.token}
  These are shown this once; keep them.

  The next three commands to try, with a file to send to your devices:

    export UPDRAFT_URL=${http} UPDRAFT_TOKEN=${firstSignIn.token}
    npx updraft profile add sensor
    npx updraft package add FILE --title app --version 1.0.0 --profile sensor
    npx updraft assign app@1.0.0 --profile sensor

`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
