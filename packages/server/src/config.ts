/** Every setting once: name with unit, default, meaning. The only reader of the environment. */
import { parseArgs } from 'node:util'
import {
  eachSetting,
  isWithinLimits,
  limitsOf,
  MAX_URL_LENGTH,
  TENANT_SETTINGS,
  type TenantSetting,
  type TenantSettings,
} from '@updraft/core'
import { type ArtifactStoreConfig, readArtifactStores } from './config/artifact-stores.ts'
import { ConfigError } from './config/config-error.ts'

export { type ArtifactStoreConfig, ConfigError }

interface Setting {
  /** The flag without its dashes; null when only the environment has it, as for secrets. */
  readonly flag: string | null
  /** The first is ours, the others are aliases people bring along. */
  readonly env: readonly string[]
  readonly default: string | undefined
  readonly meaning: string
}

export const SETTINGS = {
  httpPort: {
    flag: 'http-port',
    env: ['UPDRAFT_HTTP_PORT'],
    default: '8080',
    meaning:
      'port of the APIs and of all devices that speak HTTP, plain or within TLS; 0 takes any free one',
  },
  plainHttp: {
    flag: 'plain-http',
    env: ['UPDRAFT_PLAIN_HTTP'],
    default: 'on',
    meaning: 'off: over HTTP, who comes without TLS is refused, and browsers are sent on to https',
  },
  tlsCertificate: {
    flag: 'tls-certificate',
    env: ['UPDRAFT_TLS_CERTIFICATE'],
    default: undefined,
    meaning:
      "PEM file with the server's certificate and those above it; unset: one of the installation's own authority",
  },
  tlsKey: {
    flag: 'tls-key',
    env: ['UPDRAFT_TLS_KEY'],
    default: undefined,
    meaning: 'PEM file with the key of that certificate',
  },
  tlsClientCa: {
    flag: 'tls-client-ca',
    env: ['UPDRAFT_TLS_CLIENT_CA'],
    default: undefined,
    meaning:
      'PEM file with authorities that clients are told of; needed only by those that show no other certificate',
  },
  mqttPort: {
    flag: 'mqtt-port',
    env: ['UPDRAFT_MQTT_PORT'],
    default: '1883',
    meaning:
      'port for devices that speak MQTT, plain or within TLS; 0 takes any free one, off none',
  },
  mqttTlsPort: {
    flag: 'mqtt-tls-port',
    env: ['UPDRAFT_MQTT_TLS_PORT'],
    default: 'off',
    meaning: 'another port for MQTT within TLS only, usually 8883',
  },
  mqttTlsCertificate: {
    flag: 'mqtt-tls-certificate',
    env: ['UPDRAFT_MQTT_TLS_CERTIFICATE'],
    default: undefined,
    meaning: 'the same as --tls-certificate, for MQTT only; unset: that one',
  },
  mqttTlsKey: {
    flag: 'mqtt-tls-key',
    env: ['UPDRAFT_MQTT_TLS_KEY'],
    default: undefined,
    meaning: 'PEM file with the key of that certificate',
  },
  mqttTlsClientCa: {
    flag: 'mqtt-tls-client-ca',
    env: ['UPDRAFT_MQTT_TLS_CLIENT_CA'],
    default: undefined,
    meaning: 'the same as --tls-client-ca, for MQTT only; unset: that one',
  },
  mqttPublicUrl: {
    flag: 'mqtt-public-url',
    env: ['UPDRAFT_MQTT_PUBLIC_URL'],
    default: undefined,
    meaning:
      'where devices are told to speak MQTT within TLS, as mqtts://host:port; unset: the host they reached, and the port from above',
  },
  coapPort: {
    flag: 'coap-port',
    env: ['UPDRAFT_COAP_PORT'],
    default: '5683',
    meaning: 'UDP port for devices that speak CoAP, without DTLS; 0 takes any free one, off none',
  },
  host: {
    flag: 'host',
    env: ['UPDRAFT_HOST'],
    default: '127.0.0.1',
    meaning: 'address to listen at; 0.0.0.0 for all',
  },
  data: {
    flag: 'data',
    env: ['UPDRAFT_DATA'],
    default: './data',
    meaning: 'folder for all that is kept',
  },
  databaseUrl: {
    flag: null,
    env: ['UPDRAFT_DATABASE_URL'],
    default: undefined,
    meaning: 'a PostgreSQL of your own (15 or newer); unset: one is run under the data folder',
  },
  artifacts: {
    flag: null,
    env: ['UPDRAFT_ARTIFACTS'],
    default: undefined,
    meaning:
      'where files are kept: a file: or s3: URL, or several as name=url with commas between; unset: under the data folder',
  },
  publicUrl: {
    flag: 'public-url',
    env: ['UPDRAFT_PUBLIC_URL'],
    default: undefined,
    meaning: "the server's root as devices are told it; unset: as they reached it",
  },
  adminToken: {
    flag: null,
    env: ['UPDRAFT_ADMIN_TOKEN'],
    default: undefined,
    meaning: 'an API token for the system administrator of the first start, valid while it is set',
  },
  checkInSeconds: {
    flag: 'check-in-seconds',
    env: ['UPDRAFT_CHECK_IN_SECONDS'],
    default: '3600',
    meaning: 'how soon a device with nothing to do is asked to come back',
  },
  sessionIdleMinutes: {
    flag: 'session-idle-minutes',
    env: ['UPDRAFT_SESSION_IDLE_MINUTES'],
    default: '720',
    meaning: 'how long a sign-in of the dashboard lasts that nobody uses, in minutes',
  },
  claimWindowMs: {
    flag: 'claim-window-ms',
    env: ['UPDRAFT_CLAIM_WINDOW_MS', 'SECURITY_CLAIM_DURATION'],
    default: '86400000',
    meaning: 'how long a customer may claim a device that does not say it itself, in milliseconds',
  },
  pacePackSize: {
    flag: 'pace-pack-size',
    env: ['UPDRAFT_PACE_PACK_SIZE', 'TB_QUEUE_CORE_FW_PACK_SIZE', 'TB_QUEUE_CORE_OTA_PACK_SIZE'],
    default: String(TENANT_SETTINGS.pacePackSize.standard),
    meaning: TENANT_SETTINGS.pacePackSize.meaning,
  },
  paceIntervalMs: {
    flag: 'pace-interval-ms',
    env: [
      'UPDRAFT_PACE_INTERVAL_MS',
      'TB_QUEUE_CORE_FW_PACK_INTERVAL_MS',
      'TB_QUEUE_CORE_OTA_PACK_INTERVAL_MS',
    ],
    default: String(TENANT_SETTINGS.paceIntervalMs.standard),
    meaning: TENANT_SETTINGS.paceIntervalMs.meaning,
  },
  silenceDeadlineSeconds: {
    flag: 'silence-deadline-seconds',
    env: ['UPDRAFT_SILENCE_DEADLINE_SECONDS'],
    default: String(TENANT_SETTINGS.silenceDeadlineSeconds.standard),
    meaning: TENANT_SETTINGS.silenceDeadlineSeconds.meaning,
  },
  maxRetries: {
    flag: 'max-retries',
    env: ['UPDRAFT_MAX_RETRIES'],
    default: String(TENANT_SETTINGS.maxRetries.standard),
    meaning: TENANT_SETTINGS.maxRetries.meaning,
  },
  retentionDays: {
    flag: 'retention-days',
    env: ['UPDRAFT_RETENTION_DAYS'],
    default: String(TENANT_SETTINGS.retentionDays.standard),
    meaning: TENANT_SETTINGS.retentionDays.meaning,
  },
  trustProxy: {
    flag: 'trust-proxy',
    env: ['UPDRAFT_TRUST_PROXY'],
    default: 'off',
    meaning: 'on: believe X-Forwarded-For, -Proto and -Host of a proxy in front',
  },
  logLevel: {
    flag: 'log-level',
    env: ['UPDRAFT_LOG_LEVEL'],
    default: 'info',
    meaning: 'trace, debug, info, warn, error or silent',
  },
} as const satisfies Record<string, Setting> & Record<TenantSetting, Setting>

export type SettingName = keyof typeof SETTINGS

/** What tenants may set for themselves is theirs that set nothing. */
export interface Config extends TenantSettings {
  readonly httpPort: number
  /** Whether who comes without TLS is answered. */
  readonly plainHttp: boolean
  readonly tls: TlsFiles
  /** Null: no such door. */
  readonly mqttPort: number | null
  readonly mqttTls: MqttTlsConfig
  readonly mqttPublicUrl: string | undefined
  /** Null: no such door. */
  readonly coapPort: number | null
  readonly host: string
  readonly data: string
  readonly databaseUrl: string | undefined
  /** The default one first; unset: one under the data folder. */
  readonly artifacts: readonly ArtifactStoreConfig[] | undefined
  readonly publicUrl: string | undefined
  readonly adminToken: string | undefined
  readonly checkInSeconds: number
  readonly sessionIdleMinutes: number
  readonly claimWindowMs: number
  readonly trustProxy: boolean
  readonly logLevel: string
}

/** Names of files. */
export interface TlsFiles {
  /** With its key; undefined: one of the installation's own authority. */
  readonly certificate: string | undefined
  readonly key: string | undefined
  readonly clientCa: string | undefined
}

/** Those for all where there are none for MQTT. */
export interface MqttTlsConfig extends TlsFiles {
  /** Where there is nothing but TLS. Null: no such door. */
  readonly port: number | null
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent']
const MIN_ADMIN_TOKEN_LENGTH = 16

/** Flags win over the environment. Throws ConfigError. */
export function readConfig(
  argv: readonly string[] = process.argv.slice(2),
  env: NodeJS.ProcessEnv = process.env,
): Config | 'help' {
  const flags = parseFlags(argv)
  if (flags.help) return 'help'
  const value = (name: SettingName): string | undefined => {
    const { flag, env: names, default: fallback }: Setting = SETTINGS[name]
    const given = (flag && flags[flag]) || names.map((each) => env[each]).find(Boolean)
    return (typeof given === 'string' ? given : undefined) ?? fallback
  }
  const httpPort = wholeNumber('httpPort', value('httpPort'), 0, 65_535)
  const logLevel = value('logLevel') ?? 'info'
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new ConfigError(
      `${spelled('logLevel')} is one of ${LOG_LEVELS.join(', ')}, not "${logLevel}".`,
    )
  }
  const adminToken = value('adminToken')
  const stores = value('artifacts')
  if (adminToken && adminToken.length < MIN_ADMIN_TOKEN_LENGTH) {
    throw new ConfigError(
      `${spelled('adminToken')} must have at least ${MIN_ADMIN_TOKEN_LENGTH} characters: whoever guesses it owns the fleet.`,
    )
  }
  // It is sent in a header, where anything else would never arrive.
  if (adminToken && !/^[\x21-\x7e]+$/.test(adminToken)) {
    throw new ConfigError(
      `${spelled('adminToken')} must be letters, digits and signs without spaces.`,
    )
  }
  const tls = tlsFiles(value, 'tlsCertificate', 'tlsKey', 'tlsClientCa')
  return {
    httpPort,
    plainHttp: onOrOff('plainHttp', value('plainHttp')),
    tls,
    mqttPort: portOrOff('mqttPort', value('mqttPort')),
    mqttTls: mqttTls(value, tls),
    mqttPublicUrl: brokerUrl(value('mqttPublicUrl')),
    coapPort: portOrOff('coapPort', value('coapPort')),
    host: value('host') ?? '127.0.0.1',
    data: value('data') ?? './data',
    databaseUrl: postgresUrl(value('databaseUrl')),
    artifacts: stores === undefined ? undefined : readArtifactStores(stores, spelled('artifacts')),
    publicUrl: rootUrl(value('publicUrl')),
    adminToken,
    checkInSeconds: wholeNumber('checkInSeconds', value('checkInSeconds'), 1, 31_536_000),
    sessionIdleMinutes: wholeNumber('sessionIdleMinutes', value('sessionIdleMinutes'), 5, 20_160),
    claimWindowMs: wholeNumber('claimWindowMs', value('claimWindowMs'), 1, 3_155_760_000_000),
    ...eachSetting((name) => tenantSetting(name, value(name))),
    trustProxy: onOrOff('trustProxy', value('trustProxy')),
    logLevel,
  }
}

/** The table of settings for `--help`. */
export function helpText(): string {
  const rows = Object.values(SETTINGS).map(({ flag, env, default: fallback, meaning }: Setting) => [
    flag ? `--${flag}` : '',
    env.join(', '),
    fallback === undefined ? '' : `[${fallback}]`,
    meaning,
  ])
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  const lines = rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '),
  )
  return `updraft serve: starts the server.\n\nA setting is a flag or a variable of the environment; the flag wins.\n\n${lines.join('\n')}\n`
}

function parseFlags(argv: readonly string[]): Record<string, string | boolean | undefined> {
  const options: Record<string, { type: 'string' | 'boolean' }> = { help: { type: 'boolean' } }
  for (const { flag } of Object.values(SETTINGS) as Setting[]) {
    if (flag) options[flag] = { type: 'string' }
  }
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true })
    return values
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
}

const spelled = (name: SettingName): string => {
  const { flag, env }: Setting = SETTINGS[name]
  return flag ? `--${flag} (${env[0]})` : (env[0] ?? name)
}

function wholeNumber(
  name: SettingName,
  text: string | undefined,
  min: number,
  max: number,
): number {
  const number = Number(text)
  if (/^\d+$/.test(text ?? '') && number >= min && number <= max) return number
  throw new ConfigError(`${spelled(name)} is a whole number from ${min} to ${max}, not "${text}".`)
}

function tenantSetting(name: TenantSetting, text = ''): number {
  if (/^\d+$/.test(text) && isWithinLimits(name, Number(text))) return Number(text)
  throw new ConfigError(`${spelled(name)} is a whole number from ${limitsOf(name)}, not "${text}".`)
}

function portOrOff(name: SettingName, text: string | undefined): number | null {
  return text === 'off' ? null : wholeNumber(name, text, 0, 65_535)
}

function tlsFiles(
  value: (name: SettingName) => string | undefined,
  ...names: readonly [certificate: SettingName, key: SettingName, clientCa: SettingName]
): TlsFiles {
  const [certificate, key, clientCa] = names.map(value)
  if ((certificate === undefined) === (key === undefined)) return { certificate, key, clientCa }
  throw new ConfigError(`${spelled(names[0])} and ${spelled(names[1])} go together.`)
}

function mqttTls(value: (name: SettingName) => string | undefined, ofAll: TlsFiles): MqttTlsConfig {
  const own = tlsFiles(value, 'mqttTlsCertificate', 'mqttTlsKey', 'mqttTlsClientCa')
  const { certificate, key } = own.certificate === undefined ? ofAll : own
  const clientCa = own.clientCa ?? ofAll.clientCa
  return { port: portOrOff('mqttTlsPort', value('mqttTlsPort')), certificate, key, clientCa }
}

function brokerUrl(url: string | undefined): string | undefined {
  if (url === undefined) return undefined
  if (URL.canParse(url) && /^mqtts:\/\/[^/?#@]+:\d+$/.test(url)) return url
  const example = 'mqtts://updates.example:8883'
  throw new ConfigError(
    `${spelled('mqttPublicUrl')} is an mqtts URL with its port such as ${example}, not "${url}".`,
  )
}

function onOrOff(name: SettingName, text: string | undefined): boolean {
  if (['on', 'true', '1'].includes(text ?? '')) return true
  if (['off', 'false', '0'].includes(text ?? '')) return false
  throw new ConfigError(`${spelled(name)} is on or off, not "${text}".`)
}

/** The refusal does not repeat it: there is a password in it. */
function postgresUrl(url: string | undefined): string | undefined {
  if (url === undefined) return undefined
  if (URL.canParse(url) && /^postgres(ql)?:\/\//.test(url)) return url
  const example = 'postgres://user:password@host/database'
  throw new ConfigError(`${spelled('databaseUrl')} is a URL such as ${example}.`)
}

function rootUrl(url: string | undefined): string | undefined {
  if (url === undefined) return undefined
  if (URL.canParse(url) && /^https?:\/\/[^?#]+$/.test(url)) {
    const root = url.replace(/\/+$/, '')
    if (root.length <= MAX_URL_LENGTH) return root
    throw new ConfigError(
      `${spelled('publicUrl')} has at most ${MAX_URL_LENGTH} characters, as devices keep no longer address; this one has ${root.length}.`,
    )
  }
  const example = 'https://updates.example'
  throw new ConfigError(
    `${spelled('publicUrl')} is an http or https URL such as ${example}, not "${url}".`,
  )
}
