/** What the program is told when it starts: flags, and two variables it shares with the command line. */
import { parseArgs } from 'node:util'
import type { Servers } from './fleet.ts'

export interface Settings {
  readonly scenarioFile: string
  readonly servers: Servers
  readonly tokensFile: string | null
  readonly memoryFile: string | null
  /** For the account at the end; null: there is none. */
  readonly apiToken: string | null
  /** Null: until a signal. */
  readonly seconds: number | null
  /** Ends once each device has so many updates behind it, however they ended; null: does not. */
  readonly updates: number | null
  readonly isQuiet: boolean
}

/** A setting that cannot be used, said in a sentence for whoever typed it. */
export class WrongSettings extends Error {
  override readonly name = 'WrongSettings'
}

export const HELP = `updraft-simulator SCENARIO: a fleet of pretend devices, made of real agents.

  SCENARIO         a JSON file: what the devices are like (docs/simulator.md)
  --server URL     the server; else UPDRAFT_URL, else http://127.0.0.1:8080
  --mqtt URL       where it speaks MQTT; else mqtt:// at the same host, port 1883
  --coap URL       where it speaks CoAP; else coap:// at the same host, port 5683
  --tokens FILE    lines NAME,TOKEN; devices that enrol themselves are added to it
  --memory FILE    what the devices run is kept there, and read at the next start
  --seconds N      ends after so many seconds; else with a signal
  --updates N      ends once each device has N updates behind it
  --quiet          prints nothing on the way
  --help

With UPDRAFT_TOKEN, an API token that may read devices, the server's account is held
against the truth at the end. Exit codes: 0 all is as it should be, 1 it is not, 2 wrong
settings.
`

/** Throws WrongSettings. */
export function readSettings(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Settings | 'help' {
  const { values, positionals } = parse(argv)
  if (values.help) return 'help'
  const [scenarioFile, ...more] = positionals
  if (scenarioFile === undefined) throw new WrongSettings('Which scenario? Name its file.')
  if (more.length > 0) throw new WrongSettings(`One scenario at a time: ${more[0]} is too many.`)
  const http = values.server ?? (env.UPDRAFT_URL || 'http://127.0.0.1:8080')
  const host = address('--server', http, ['http:', 'https:']).hostname
  const servers = {
    http,
    mqtt: values.mqtt ?? `mqtt://${host}:1883`,
    coap: values.coap ?? `coap://${host}:5683`,
  }
  address('--mqtt', servers.mqtt, ['mqtt:', 'mqtts:'])
  address('--coap', servers.coap, ['coap:'])
  return {
    scenarioFile,
    servers,
    tokensFile: values.tokens ?? null,
    memoryFile: values.memory ?? null,
    apiToken: env.UPDRAFT_TOKEN || null,
    seconds: wholeNumber('--seconds', values.seconds),
    updates: wholeNumber('--updates', values.updates),
    isQuiet: values.quiet ?? false,
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        server: { type: 'string' },
        mqtt: { type: 'string' },
        coap: { type: 'string' },
        tokens: { type: 'string' },
        memory: { type: 'string' },
        seconds: { type: 'string' },
        updates: { type: 'string' },
        quiet: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new WrongSettings((error as Error).message)
  }
}

function address(flag: string, text: string, schemes: readonly string[]): URL {
  if (URL.canParse(text) && schemes.includes(new URL(text).protocol)) return new URL(text)
  throw new WrongSettings(`${flag} is an address such as ${schemes[0]}//host, not "${text}".`)
}

function wholeNumber(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new WrongSettings(`${flag} is a whole number from 1 on, not "${text}".`)
}
