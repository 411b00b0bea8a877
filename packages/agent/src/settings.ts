/** Every setting once: its flag, its environment variable, unit, default and meaning. */

import { COMPONENT_TYPE_PATTERN } from '@updraft/core'
import { canonicalDeviceId, isRealm } from '@updraft/wire/astarte'
import { LIMITS } from '@updraft/wire/hawkbit'
import {
  ANSWER_SECONDS,
  FIXED_INTERVAL,
  INTERVAL_SECONDS,
  LOG_FORMAT,
  MAX_BACK_OFF_SECONDS,
  MAX_BYTES_PER_SECOND,
  STALL_SECONDS,
} from './common-settings.ts'
import { parseCronWindow } from './cron-window.ts'
import { type InstalledByType, parseInstalled } from './installed.ts'
import { LOG_LEVELS, type LogLevel } from './log.ts'
import { MQTT_VERSIONS, type MqttVersion } from './mqtt.ts'
import { readFlags, rowsFor, setting, toldBy, WrongSettings } from './settings-table.ts'
import { messageOf } from './trouble.ts'
import { HAWKBIT_AUTHS, type HawkbitAuth } from './uplinks/hawkbit-line.ts'
import { IOTO_CLIENTS, type IotoClient } from './uplinks/ioto-clients.ts'
import { THINGSBOARD_SCHEMES } from './uplinks/thingsboard.ts'

export const UPLINKS = ['updraft', 'thingsboard', 'ioto', 'edgehog', 'hawkbit'] as const

export const SETTINGS = [
  setting(
    'config',
    'UPDRAFT_CONFIG',
    'path',
    '',
    'folder with device.json5, ioto.json5, local.json5 and provision.json5: what they say counts where no flag and no variable does',
  ),
  setting(
    'server',
    'UPDRAFT_SERVER',
    'URL',
    '',
    'where the update server is; needed. http and https; for thingsboard also mqtt, mqtts and coap; for edgehog the pairing API, which is below /pairing if no path is named',
  ),
  setting(
    'token-file',
    'UPDRAFT_DEVICE_TOKEN_FILE',
    'path',
    '',
    "file with the device's token, read anew before each request; for edgehog the token that lets it register",
  ),
  setting(
    'token',
    'UPDRAFT_DEVICE_TOKEN',
    'text',
    '',
    "the device's token itself; as a flag every user of the machine can read it, so prefer the file or the environment",
  ),
  setting(
    'uplink',
    'UPDRAFT_UPLINK',
    UPLINKS.join('|'),
    'updraft',
    'which protocol the server speaks',
  ),
  setting(
    'device-id',
    'UPDRAFT_DEVICE_ID',
    'text',
    '',
    'for ioto and edgehog: by what the device is known; auto makes one up and keeps it. For hawkbit: the controller id',
  ),
  setting(
    'realm',
    'UPDRAFT_REALM',
    'name',
    '',
    'for edgehog: the realm that the device belongs to',
  ),
  setting(
    'credentials-secret-file',
    'UPDRAFT_CREDENTIALS_SECRET_FILE',
    'path',
    '',
    'for edgehog: file with the secret of a device that somebody has registered already',
  ),
  setting(
    'ca-file',
    'UPDRAFT_CA_FILE',
    'path',
    '',
    'for edgehog: certificates in PEM, believed besides those the system believes',
  ),
  setting(
    'ignore-tls-errors',
    'UPDRAFT_IGNORE_TLS_ERRORS',
    'yes/no',
    'no',
    'for edgehog: whoever answers is believed. For a desk, not for the field',
  ),
  setting(
    'hawkbit-tenant',
    'UPDRAFT_HAWKBIT_TENANT',
    'name',
    'DEFAULT',
    'for hawkbit: the tenant, as it stands in the addresses',
  ),
  setting(
    'hawkbit-auth',
    'UPDRAFT_HAWKBIT_AUTH',
    HAWKBIT_AUTHS.join('|'),
    'target',
    "for hawkbit: whose the token is, this device's own or that of a gateway, by which it registers itself",
  ),
  setting(
    'hawkbit-confirm',
    'UPDRAFT_HAWKBIT_CONFIRM',
    'yes/no',
    'no',
    'for hawkbit: says yes to each update that waits for somebody to do so',
  ),
  setting('product', 'UPDRAFT_PRODUCT', 'text', '', "for ioto: the product's token"),
  setting(
    'ioto-client',
    'UPDRAFT_IOTO_CLIENT',
    IOTO_CLIENTS.join('|'),
    'updraft',
    'for ioto: who speaks; updraft is this agent itself, which resumes downloads and tells how it went. The others are played to the letter',
  ),
  setting(
    'state',
    'UPDRAFT_STATE',
    'path',
    'updraft-agent',
    'folder for the journal, downloads and installed.json; this agent alone uses it',
  ),
  setting(
    'installed',
    'UPDRAFT_INSTALLED',
    'TYPE=TITLE@VERSION,…',
    '',
    'what this image came with; counts again whenever it changes',
  ),
  setting(
    'types',
    'UPDRAFT_TYPES',
    'names',
    '',
    'component types to install besides those installed; firmware if there are none',
  ),
  setting(
    'version-command',
    'UPDRAFT_VERSION_COMMAND',
    'command',
    '',
    'prints what runs now, asked at each start: VERSION, TITLE@VERSION, lines of TYPE=TITLE@VERSION, or JSON',
  ),
  setting(
    'install-script',
    'UPDRAFT_INSTALL_SCRIPT',
    'path',
    'scripts/update',
    'run with the file as its argument',
  ),
  setting(
    'install-timeout-seconds',
    'UPDRAFT_INSTALL_TIMEOUT_SECONDS',
    'seconds',
    '3600',
    'the longest an install may take',
  ),
  setting(
    'restart-command',
    'UPDRAFT_RESTART_COMMAND',
    'command',
    'systemctl reboot || reboot',
    'restarts the machine when the script prints restart',
  ),
  setting(
    'facts',
    'UPDRAFT_FACTS',
    'path',
    '',
    'JSON file with facts about this device, told at each check-in',
  ),
  INTERVAL_SECONDS,
  FIXED_INTERVAL,
  setting(
    'first-check-in-seconds',
    'UPDRAFT_FIRST_CHECK_IN_SECONDS',
    'seconds',
    '60',
    'the first check-in comes at a random moment within this; 0 is at once',
  ),
  setting(
    'wait-seconds',
    'UPDRAFT_WAIT_SECONDS',
    'seconds',
    '0',
    'how long the server may hold a check-in until there is something to do; 60 makes updates prompt. Over MQTT and CoAP they are so without it',
  ),
  setting(
    'check-window',
    'UPDRAFT_CHECK_WINDOW',
    'window',
    'anytime',
    'when it may check in and begin to download, in the time of the device: five fields of cron such as "* 22-4 * * 1-5", or anytime, day, night, midnight, weekdays, workhours, never',
  ),
  setting(
    'apply-window',
    'UPDRAFT_APPLY_WINDOW',
    'window',
    'anytime',
    'when it may install what it has fetched, written in the same way',
  ),
  setting(
    'jitter-seconds',
    'UPDRAFT_JITTER_SECONDS',
    'seconds',
    '0',
    'a check-in comes at a random moment within this once it is due, as far as its window goes',
  ),
  ANSWER_SECONDS,
  setting(
    'once',
    null,
    'yes/no',
    'no',
    'one whole cycle, then exit: 0 updated or nothing to do, 1 failed',
  ),
  MAX_BYTES_PER_SECOND,
  setting(
    'throttle-ms',
    'UPDRAFT_THROTTLE_MS',
    'ms',
    '0',
    'a rest after each 4 KB of a download, 5000 at most',
  ),
  STALL_SECONDS,
  setting(
    'reserve-bytes',
    'UPDRAFT_RESERVE_BYTES',
    'bytes',
    '16777216',
    'kept free on the disk beside a download',
  ),
  setting(
    'chunk-bytes',
    'UPDRAFT_CHUNK_BYTES',
    'bytes',
    '65536',
    'asked for at once by the ThingsBoard uplink; over CoAP 1024 at most',
  ),
  setting(
    'mqtt-version',
    'UPDRAFT_MQTT_VERSION',
    MQTT_VERSIONS.join('|'),
    '5',
    'spoken to a server at an mqtt address',
  ),
  MAX_BACK_OFF_SECONDS,
  setting(
    'allow-unchecked',
    'UPDRAFT_ALLOW_UNCHECKED',
    'yes/no',
    'no',
    'install also what comes without any checksum',
  ),
  setting(
    'log-level',
    'UPDRAFT_LOG_LEVEL',
    LOG_LEVELS.join('|'),
    'info',
    'the least that is logged',
  ),
  LOG_FORMAT,
] as const

export interface Settings {
  readonly server: string
  readonly tokenFile: string | null
  readonly token: string | null
  readonly isTokenOnArgv: boolean
  readonly uplink: (typeof UPLINKS)[number]
  readonly configFolder: string | null
  readonly deviceId: string
  readonly realm: string
  readonly credentialsSecretFile: string | null
  readonly caFile: string | null
  readonly isTlsUnverified: boolean
  readonly hawkbitTenant: string
  readonly hawkbitAuth: HawkbitAuth
  readonly confirmsHawkbit: boolean
  readonly product: string
  readonly iotoClient: IotoClient
  readonly stateFolder: string
  readonly installed: InstalledByType
  readonly types: readonly string[]
  readonly versionCommand: string | null
  readonly installScript: string
  readonly installTimeoutSeconds: number
  readonly restartCommand: string
  readonly factsFile: string | null
  readonly intervalSeconds: number
  readonly isIntervalFixed: boolean
  readonly firstCheckInSeconds: number
  readonly waitSeconds: number
  readonly checkWindow: string
  readonly applyWindow: string
  readonly jitterSeconds: number
  readonly answerTimeoutMs: number
  readonly isOnce: boolean
  readonly throttleMs: number
  readonly maxBytesPerSecond: number
  readonly stallSeconds: number
  readonly reserveBytes: number
  readonly chunkBytes: number
  readonly mqttVersion: MqttVersion
  readonly backOffCapSeconds: number
  readonly isUncheckedAllowed: boolean
  readonly logLevel: LogLevel
  readonly logFormat: 'text' | 'json' | null
}

/**
 * The settings, `help` or `version` when that was asked for. Flags win over the environment, and both over what is
 * known of the device otherwise: by flag, read from the folder that `--config` names. Throws WrongSettings.
 */
export function readSettings(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  fromFolder: (folder: string) => Readonly<Record<string, string>> = () => ({}),
): Settings | 'help' | 'version' {
  const flags = readFlags(argv, SETTINGS, ['installed', 'types'])
  if (flags.help) return 'help'
  if (flags.version) return 'version'

  const folder = flags.config ?? env.UPDRAFT_CONFIG
  const files = typeof folder === 'string' && folder !== '' ? fromFolder(folder) : {}
  const { raw, text, number, one, yes } = toldBy(SETTINGS, { flags, env, files })

  const uplink = one('uplink', UPLINKS)
  const server = text('server')
  checkServer(server, uplink)
  const [token, tokenFile] = [raw('token'), raw('token-file')]
  const window = (flag: string): string => {
    try {
      return parseCronWindow(text(flag)).text
    } catch (error) {
      throw new WrongSettings(`--${flag} cannot be read: ${messageOf(error)}.`)
    }
  }
  if (uplink === 'ioto') {
    const missing = ['device-id', 'product'].find((flag) => text(flag) === '')
    if (missing) {
      throw new WrongSettings(
        `--${missing} is needed, or ${missing.replace('device-', '')} in device.json5.`,
      )
    }
  } else if (uplink === 'edgehog') {
    const hasOne = [token, tokenFile, raw('credentials-secret-file')].some((each) => each !== null)
    checkEdgehog({ realm: text('realm'), deviceId: text('device-id'), hasOne })
    if (!yes('allow-unchecked')) {
      throw new WrongSettings(
        'Edgehog announces no checksums, so nothing would be installed: --allow-unchecked is needed.',
      )
    }
  } else if (!token && !tokenFile)
    throw new WrongSettings('A device token is needed: --token-file, or UPDRAFT_DEVICE_TOKEN.')
  if (uplink === 'hawkbit') checkControllerId(text('device-id'))
  const installed = readInstalled(text('installed'))
  return {
    server,
    tokenFile,
    token,
    isTokenOnArgv: flags.token !== undefined,
    uplink,
    configFolder: raw('config'),
    deviceId: text('device-id'),
    realm: text('realm'),
    credentialsSecretFile: raw('credentials-secret-file'),
    caFile: raw('ca-file'),
    isTlsUnverified: yes('ignore-tls-errors'),
    hawkbitTenant: text('hawkbit-tenant'),
    hawkbitAuth: one('hawkbit-auth', HAWKBIT_AUTHS),
    confirmsHawkbit: yes('hawkbit-confirm'),
    product: text('product'),
    iotoClient: one('ioto-client', IOTO_CLIENTS),
    stateFolder: text('state'),
    installed,
    types: readTypes(text('types')),
    versionCommand: raw('version-command'),
    installScript: text('install-script'),
    installTimeoutSeconds: number('install-timeout-seconds', 1),
    restartCommand: text('restart-command'),
    factsFile: raw('facts'),
    intervalSeconds: number('interval-seconds', 1),
    isIntervalFixed: yes('fixed-interval'),
    firstCheckInSeconds: number('first-check-in-seconds'),
    waitSeconds: Math.min(300, number('wait-seconds')),
    checkWindow: window('check-window'),
    applyWindow: window('apply-window'),
    jitterSeconds: number('jitter-seconds'),
    answerTimeoutMs: number('answer-seconds', 1) * 1000,
    isOnce: yes('once'),
    throttleMs: number('throttle-ms'),
    maxBytesPerSecond: number('max-bytes-per-second'),
    stallSeconds: number('stall-seconds', 1),
    reserveBytes: number('reserve-bytes'),
    chunkBytes: Math.floor(number('chunk-bytes', 1)),
    mqttVersion: one('mqtt-version', MQTT_VERSIONS),
    backOffCapSeconds: number('max-back-off-seconds', 1),
    isUncheckedAllowed: yes('allow-unchecked'),
    logLevel: one('log-level', LOG_LEVELS),
    logFormat:
      raw('log-format') === null ? null : one<'text' | 'json'>('log-format', ['text', 'json']),
  }
}

/** The table for people. */
export function helpText(): string {
  return `updraft-agent: keeps this device up to date.

Usage: updraft-agent --server URL --token-file FILE [settings]
       updraft-agent --config FOLDER [settings]
       updraft-agent box [settings]      keeps a box with its three layers up to date: box --help

Each setting is a flag, or an environment variable; the flag wins. Both win over the files of --config.

${rowsFor(SETTINGS)}

Exit codes: 0 done, or the supervisor is to start the new version; 1 failed; 2 settings that cannot be
read; 3 another agent uses the state folder. Certificates of a private authority: NODE_EXTRA_CA_CERTS;
a proxy: NODE_USE_ENV_PROXY=1 with HTTPS_PROXY.
`
}

/** By uplink, the schemes of addresses it goes to. */
const SCHEMES: Readonly<Record<(typeof UPLINKS)[number], readonly string[]>> = {
  updraft: ['http', 'https'],
  thingsboard: THINGSBOARD_SCHEMES,
  ioto: ['http', 'https'],
  edgehog: ['http', 'https'],
  hawkbit: ['http', 'https'],
}

function checkServer(server: string, uplink: (typeof UPLINKS)[number]): void {
  const scheme = /^([a-z]+):\/\/./i.exec(server)?.[1]?.toLowerCase() ?? ''
  if (SCHEMES[uplink].includes(scheme) && URL.canParse(server)) return
  const takes = `--server takes a URL of ${SCHEMES[uplink].join(', ')}`
  if (server === '') throw new WrongSettings(`${takes}; it is needed.`)
  const hint = SCHEMES.thingsboard.includes(scheme) ? '; others need --uplink thingsboard' : ''
  throw new WrongSettings(`${takes}, not "${server}"${hint}.`)
}

function checkEdgehog(about: { realm: string; deviceId: string; hasOne: boolean }): void {
  const { realm, deviceId, hasOne } = about
  if (!isRealm(realm)) {
    throw new WrongSettings(`--realm takes lower-case letters and digits, not "${realm}".`)
  }
  if (deviceId !== 'auto' && canonicalDeviceId(deviceId) !== deviceId) {
    throw new WrongSettings(
      `--device-id takes auto, or 128 bits as 22 characters of base64url, not "${deviceId}".`,
    )
  }
  if (!hasOne) {
    throw new WrongSettings(
      'A token to register with is needed, --token-file, or the secret of a registered device, --credentials-secret-file.',
    )
  }
}

function checkControllerId(id: string): void {
  const { controllerIdLength } = LIMITS
  if (id !== '' && id.length <= controllerIdLength && !/\s/.test(id)) return
  throw new WrongSettings(
    `--device-id takes the controller id, 1 to ${controllerIdLength} characters without a blank, not "${id}".`,
  )
}

function readInstalled(text: string): InstalledByType {
  if (text === '') return {}
  try {
    return parseInstalled(text.replaceAll(',', '\n'))
  } catch (error) {
    throw new WrongSettings(`--installed cannot be read: ${messageOf(error)}.`)
  }
}

function readTypes(text: string): string[] {
  const types = text
    .split(',')
    .map((type) => type.trim())
    .filter((type) => type !== '')
  const wrong = types.find((type) => !COMPONENT_TYPE_PATTERN.test(type))
  if (wrong) throw new WrongSettings(`--types: "${wrong}" is no lower-case name such as firmware.`)
  return types
}
