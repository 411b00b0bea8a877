/** Every setting once: name with unit, default, meaning. The only reader of the environment. */
import { fileURLToPath } from 'node:url'
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
    meaning: 'port of the APIs and of all devices that speak HTTP; 0 takes any free one',
  },
  mqttPort: {
    flag: 'mqtt-port',
    env: ['UPDRAFT_MQTT_PORT'],
    default: '1883',
    meaning: 'port for devices that speak MQTT; 0 takes any free one, off none',
  },
  mqttTlsPort: {
    flag: 'mqtt-tls-port',
    env: ['UPDRAFT_MQTT_TLS_PORT'],
    default: 'off',
    meaning: 'port for MQTT within TLS, usually 8883; needs a certificate and its key',
  },
  mqttTlsCertificate: {
    flag: 'mqtt-tls-certificate',
    env: ['UPDRAFT_MQTT_TLS_CERTIFICATE'],
    default: undefined,
    meaning: "PEM file with the server's certificate and those above it",
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
    meaning:
      'PEM file with authorities that clients are told of; needed only by those that show no other certificate',
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
  /** Null: no such door. */
  readonly mqttPort: number | null
  readonly mqttTls: MqttTlsConfig | null
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

export type ArtifactStoreConfig = { readonly name: string } & (FolderConfig | S3Config)

export interface FolderConfig {
  readonly kind: 'file'
  readonly folder: string
}

/** A bucket, or a part of one. Its credentials are found as all programs with the AWS SDK find them. */
export interface S3Config {
  readonly kind: 's3'
  readonly bucket: string
  /** Before the names of all objects: empty, or ends with a slash. */
  readonly prefix: string
  /** Unset: as the SDK finds it. */
  readonly region: string | undefined
  /** Unset: Amazon's own. */
  readonly endpoint: string | undefined
  /** The bucket stands in the path, not in the host. */
  readonly isPathStyle: boolean
  /** Devices are sent there with signed addresses, rather than served by this server. */
  readonly isDirect: boolean
  /** A bucket that is missing is made. */
  readonly mayCreate: boolean
}

/** Names of files. */
export interface MqttTlsConfig {
  readonly port: number
  readonly certificate: string
  readonly key: string
  readonly clientCa: string | undefined
}

/** A setting that cannot be used, said in a sentence for whoever typed it. */
export class ConfigError extends Error {}

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
  return {
    httpPort,
    mqttPort: portOrOff('mqttPort', value('mqttPort')),
    mqttTls: mqttTls(value),
    coapPort: portOrOff('coapPort', value('coapPort')),
    host: value('host') ?? '127.0.0.1',
    data: value('data') ?? './data',
    databaseUrl: postgresUrl(value('databaseUrl')),
    artifacts: artifactStores(value('artifacts')),
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

function mqttTls(value: (name: SettingName) => string | undefined): MqttTlsConfig | null {
  const port = portOrOff('mqttTlsPort', value('mqttTlsPort'))
  if (port === null) return null
  const [certificate, key] = [value('mqttTlsCertificate'), value('mqttTlsKey')]
  if (certificate && key) return { port, certificate, key, clientCa: value('mqttTlsClientCa') }
  throw new ConfigError(
    `${spelled('mqttTlsPort')} needs ${spelled('mqttTlsCertificate')} and ${spelled('mqttTlsKey')}.`,
  )
}

function onOrOff(name: SettingName, text: string | undefined): boolean {
  if (['on', 'true', '1'].includes(text ?? '')) return true
  if (['off', 'false', '0'].includes(text ?? '')) return false
  throw new ConfigError(`${spelled(name)} is on or off, not "${text}".`)
}

const STORE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
/** Commas also stand in names of files: it ends before what looks like the next store. */
const BETWEEN_STORES = /,(?=\s*(?:[^=,/]*=)?\s*(?:file|s3):)/

function artifactStores(text: string | undefined): readonly ArtifactStoreConfig[] | undefined {
  if (text === undefined) return undefined
  const stores = text.split(BETWEEN_STORES).map((each, index) => artifactStore(each.trim(), index))
  const names = stores.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice === undefined) return stores
  throw new ConfigError(`${spelled('artifacts')} names two stores "${twice}".`)
}

function artifactStore(text: string, index: number): ArtifactStoreConfig {
  const [, given, url = text] = /^([^=:/]*)=(.*)$/s.exec(text) ?? []
  const name = given?.trim() ?? (index === 0 ? 'default' : '')
  if (!STORE_NAME.test(name)) {
    throw new ConfigError(
      `${spelled('artifacts')} needs a name for each store after the first, such as eu=s3://bucket: small letters, digits and dashes; not "${text}".`,
    )
  }
  return { name, ...(url.startsWith('s3:') ? s3Bucket(url) : fileFolder(url)) }
}

function fileFolder(url: string): FolderConfig {
  if (url.startsWith('file:///')) {
    try {
      return { kind: 'file', folder: fileURLToPath(url) }
    } catch {
      // Falls through to the refusal.
    }
  }
  throw new ConfigError(
    `${spelled('artifacts')} is a URL such as file:///srv/updraft or s3://bucket/prefix?region=eu-central-1, not "${url}".`,
  )
}

const S3_OPTIONS = ['region', 'endpoint', 'path-style', 'direct', 'create']

function s3Bucket(text: string): S3Config {
  const refuse = (why: string): never => {
    throw new ConfigError(
      `${spelled('artifacts')}: ${why}, in "${text.replace(/\/\/[^/]*@/, '//…@')}".`,
    )
  }
  const [, bucket = '', path = '', query = ''] =
    /^s3:\/\/([^/?#@]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(text) ??
    refuse(
      'an s3: URL is like s3://bucket/prefix?region=eu-central-1, and its credentials stand elsewhere',
    )
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    refuse(`"${bucket}" is no name of a bucket`)
  const options = new URLSearchParams(query)
  for (const name of options.keys()) {
    if (!S3_OPTIONS.includes(name)) refuse(`"${name}" is none of ${S3_OPTIONS.join(', ')}`)
  }
  const flag = (name: string, standard: boolean): boolean => {
    const word = options.get(name) ?? String(standard)
    return ['true', 'false'].includes(word) ? word === 'true' : refuse(`${name} is true or false`)
  }
  const endpoint = options.get('endpoint') ?? undefined
  if (endpoint !== undefined && !(URL.canParse(endpoint) && /^https?:\/\/[^?#]+$/.test(endpoint))) {
    refuse('the endpoint is no http or https URL')
  }
  const prefix = decodeURIComponent(path).replace(/\/*$/, '')
  return {
    kind: 's3',
    bucket,
    prefix: prefix === '' ? '' : `${prefix}/`,
    // Those who speak S3 elsewhere mostly do not care, and the SDK needs one.
    region: options.get('region') ?? (endpoint === undefined ? undefined : 'us-east-1'),
    endpoint,
    isPathStyle: flag('path-style', false),
    isDirect: flag('direct', true),
    mayCreate: flag('create', true),
  }
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
