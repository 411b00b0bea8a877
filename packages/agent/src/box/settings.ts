/** Every setting of a box once; what the page and its configuration say counts where no flag and no variable does. */

import {
  ANSWER_SECONDS,
  FIXED_INTERVAL,
  INTERVAL_SECONDS,
  LOG_FORMAT,
  MAX_BACK_OFF_SECONDS,
  MAX_BYTES_PER_SECOND,
  STALL_SECONDS,
} from '../common-settings.ts'
import { LOG_LEVELS, type LogLevel } from '../log.ts'
import {
  type Flags,
  readFlags,
  rowsFor,
  setting,
  toldBy,
  WrongSettings,
} from '../settings-table.ts'
import { messageOf } from '../trouble.ts'

export const BOX_KINDS = ['auto', 'physical', 'virtual'] as const
export const BOOTS = [
  'auto',
  'simulator',
  'rpi-tryboot',
  'u-boot',
  'grub',
  'rauc',
  'swupdate',
  'none',
] as const

export const BOX_SETTINGS = [
  setting(
    'server',
    'UPDRAFT_SERVER',
    'URL',
    '',
    'where the update server is; left out, it is set on the page',
  ),
  setting(
    'token-file',
    'UPDRAFT_DEVICE_TOKEN_FILE',
    'path',
    '',
    "file with the box's token, read anew before each request",
  ),
  setting(
    'token',
    'UPDRAFT_DEVICE_TOKEN',
    'text',
    '',
    "the box's token itself; as a flag every user of the machine can read it, so prefer the file or the environment",
  ),
  setting(
    'state',
    'UPDRAFT_STATE',
    'path',
    'updraft-box',
    'folder for all that lasts: configuration, releases, journals, logs; this box alone uses it, and no update of the image may touch it',
  ),
  setting(
    'box-id',
    'UPDRAFT_BOX_ID',
    'text',
    '',
    'by which the box is known to the server it registers with; made of the serial number, or of the machine and the folder, if left out',
  ),
  setting('home-host', 'UPDRAFT_BOX_HOME_HOST', 'address', '0.0.0.0', 'where the page listens'),
  setting('home-port', 'UPDRAFT_BOX_HOME_PORT', 'port', '8069', 'of the page; 0 is any free one'),
  setting(
    'home-names',
    'UPDRAFT_BOX_HOME_NAMES',
    'names',
    '',
    "names by which browsers may call the page, besides addresses, localhost and the machine's own name",
  ),
  setting(
    'pin',
    'UPDRAFT_BOX_PIN',
    'digits',
    '',
    'the PIN of the page, 4 to 32 signs; left out, one is made up at the first start and printed once',
  ),
  setting('pin-file', 'UPDRAFT_BOX_PIN_FILE', 'path', '', 'file with the PIN'),
  setting(
    'kind',
    'UPDRAFT_BOX_KIND',
    BOX_KINDS.join('|'),
    'auto',
    'whether the box is a machine of its own with a system that is updated as a whole, or a program on somebody else’s; auto is physical where a boot adapter is found',
  ),
  setting(
    'side-by-side',
    'UPDRAFT_BOX_SIDE_BY_SIDE',
    'yes/no',
    'no',
    'a virtual box updates its code as well, beside what runs',
  ),
  setting(
    'boot',
    'UPDRAFT_BOX_BOOT',
    BOOTS.join('|'),
    'auto',
    'who starts the system from one of its slots',
  ),
  setting(
    'boot-slots',
    'UPDRAFT_BOX_BOOT_SLOTS',
    'NAME=DEVICE,…',
    '',
    'the slots of the system and their devices',
  ),
  setting(
    'simulated-slot-bytes',
    'UPDRAFT_BOX_SIMULATED_SLOT_BYTES',
    'bytes',
    '67108864',
    'for the simulator: how large a slot is',
  ),
  setting(
    'code-upstream',
    'UPDRAFT_BOX_CODE_UPSTREAM',
    'URL',
    '',
    'the git repository that code comes from; without one, code comes from the server only',
  ),
  setting(
    'code-branch',
    'UPDRAFT_BOX_CODE_BRANCH',
    'name',
    '',
    'followed in place of the series that the server tells',
  ),
  setting(
    'code-paths',
    'UPDRAFT_BOX_CODE_PATHS',
    'paths',
    '',
    'what of the repository is fetched, separated by commas; all of it if left out',
  ),
  setting(
    'code-interval-seconds',
    'UPDRAFT_BOX_CODE_INTERVAL_SECONDS',
    'seconds',
    '86400',
    'between two looks for new commits',
  ),
  setting(
    'service-command',
    'UPDRAFT_BOX_SERVICE_COMMAND',
    'command',
    '',
    'starts the core service within a release of code, if its updraft-box.json does not say',
  ),
  setting(
    'handlers-steady-seconds',
    'UPDRAFT_BOX_HANDLERS_STEADY_SECONDS',
    'seconds',
    '5',
    'how long new handlers have to be well before they are kept',
  ),
  setting(
    'service-restart-command',
    'UPDRAFT_BOX_SERVICE_RESTART_COMMAND',
    'command',
    '',
    'for a core service that something else runs, such as systemd: has it started again in code/current of the state folder',
  ),
  setting(
    'health-seconds',
    'UPDRAFT_BOX_HEALTH_SECONDS',
    'seconds',
    '300',
    'the longest a new image may take until all is well',
  ),
  setting(
    'steady-seconds',
    'UPDRAFT_BOX_STEADY_SECONDS',
    'seconds',
    '30',
    'how long all has to be well before a new image is kept',
  ),
  setting(
    'watchdog',
    'UPDRAFT_BOX_WATCHDOG',
    'path',
    '',
    'device such as /dev/watchdog that is fed while a trial of an image goes well',
  ),
  setting(
    'carry-over',
    'UPDRAFT_BOX_CARRY_OVER',
    'paths',
    '',
    'files and folders that a new image is to have too, separated by commas; for what cannot lie outside of the slots',
  ),
  setting(
    'image-version-file',
    'UPDRAFT_BOX_IMAGE_VERSION_FILE',
    'path',
    '',
    'where the running image says TITLE@VERSION; left out: /etc/updraft-image, else /var/odoo/iotbox_version',
  ),
  setting(
    'image-without-fallback',
    'UPDRAFT_BOX_IMAGE_WITHOUT_FALLBACK',
    'yes/no',
    'no',
    'an image is installed although nothing would lead back from one that does not start',
  ),
  setting(
    'autoboot-folder',
    'UPDRAFT_BOX_AUTOBOOT_FOLDER',
    'path',
    '/boot/firmware',
    'for rpi-tryboot: where the partition with autoboot.txt is mounted',
  ),
  setting(
    'grub-environment',
    'UPDRAFT_BOX_GRUB_ENVIRONMENT',
    'path',
    '/boot/grub/grubenv',
    'for grub: its environment block',
  ),
  setting(
    'swupdate-arguments',
    'UPDRAFT_BOX_SWUPDATE_ARGUMENTS',
    'words',
    '',
    'for swupdate: what it is started with, separated by blanks, such as -k /etc/swupdate.pem -H board:1.0',
  ),
  setting(
    'swupdate-select',
    'UPDRAFT_BOX_SWUPDATE_SELECT',
    'text',
    '',
    'for swupdate: which copy it is asked for, such as stable,{slot}',
  ),
  setting(
    'restart-command',
    'UPDRAFT_RESTART_COMMAND',
    'command',
    'systemctl reboot || reboot',
    'restarts the machine',
  ),
  setting(
    'facts',
    'UPDRAFT_FACTS',
    'path',
    '',
    'JSON file with facts about this box, told at each check-in',
  ),
  INTERVAL_SECONDS,
  FIXED_INTERVAL,
  setting(
    'wait-seconds',
    'UPDRAFT_WAIT_SECONDS',
    'seconds',
    '60',
    'how long the server may hold a check-in until there is something to do',
  ),
  ANSWER_SECONDS,
  MAX_BYTES_PER_SECOND,
  STALL_SECONDS,
  setting(
    'reserve-bytes',
    'UPDRAFT_RESERVE_BYTES',
    'bytes',
    '16777216',
    'kept free on the disk beside what is downloaded and unpacked',
  ),
  MAX_BACK_OFF_SECONDS,
  setting(
    'log-level',
    'UPDRAFT_LOG_LEVEL',
    LOG_LEVELS.join('|'),
    'info',
    'the least that is printed; all but debug is kept for the page as well',
  ),
  LOG_FORMAT,
] as const

/** Those of the commands beside the program itself. */
const COMMAND_SETTINGS = [
  setting(
    'with-secrets',
    null,
    'yes/no',
    'no',
    'with the token of the server and the PIN, as a hash',
  ),
]

export interface BoxSettings {
  readonly server: string | null
  readonly token: string | null
  readonly tokenFile: string | null
  readonly isTokenOnArgv: boolean
  readonly stateFolder: string
  readonly boxId: string | null
  readonly homeHost: string
  readonly homePort: number
  readonly homeNames: readonly string[]
  readonly pin: string | null
  readonly pinFile: string | null
  readonly kind: (typeof BOX_KINDS)[number]
  readonly isSideBySide: boolean
  readonly boot: (typeof BOOTS)[number]
  readonly bootSlots: string
  readonly simulatedSlotBytes: number
  readonly codeUpstream: string | null
  readonly codeBranch: string | null
  readonly codePaths: readonly string[]
  readonly codeIntervalSeconds: number
  readonly serviceCommand: string | null
  readonly handlersSteadySeconds: number
  readonly serviceRestartCommand: string | null
  readonly healthSeconds: number
  readonly steadySeconds: number
  readonly watchdog: string | null
  readonly carryOver: readonly string[]
  readonly imageVersionFile: string | null
  readonly isImageForced: boolean
  readonly autobootFolder: string
  readonly grubEnvironment: string
  readonly swUpdateArguments: readonly string[]
  readonly swUpdateSelect: string | null
  readonly restartCommand: string
  readonly factsFile: string | null
  readonly intervalSeconds: number
  readonly isIntervalFixed: boolean
  readonly waitSeconds: number
  readonly answerTimeoutMs: number
  readonly maxBytesPerSecond: number
  readonly stallSeconds: number
  readonly reserveBytes: number
  readonly backOffCapSeconds: number
  readonly logLevel: LogLevel
  readonly logFormat: 'text' | 'json' | null
}

/** What `updraft-agent box …` was asked for. */
export type BoxCommand =
  | { readonly kind: 'help' | 'version' }
  | { readonly kind: 'run'; readonly settings: BoxSettings }
  | { readonly kind: 'export'; readonly settings: BoxSettings; readonly withSecrets: boolean }
  | { readonly kind: 'import'; readonly settings: BoxSettings; readonly file: string }
  | { readonly kind: 'new-pin'; readonly settings: BoxSettings }

/** Reads what follows `box` on the command line. Throws WrongSettings. */
export function readBoxCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): BoxCommand {
  const [first = ''] = argv
  const word = COMMANDS.find((command) => command === first)
  const rest = word ? argv.slice(1) : argv
  const [file = ''] = rest
  const isFileMissing = word === 'import' && (file === '' || file.startsWith('--'))
  const flags = readFlags(word === 'import' && !isFileMissing ? rest.slice(1) : rest, [
    ...BOX_SETTINGS,
    ...COMMAND_SETTINGS,
  ])
  if (flags.help) return { kind: 'help' }
  if (flags.version) return { kind: 'version' }
  if (isFileMissing) {
    throw new WrongSettings('box import takes the file to read: updraft-agent box import FILE.')
  }
  const settings = settingsFrom(flags, env)
  switch (word) {
    case undefined:
      return { kind: 'run', settings }
    case 'export':
      return { kind: 'export', settings, withSecrets: flags['with-secrets'] === true }
    case 'import':
      return { kind: 'import', settings, file }
    case 'new-pin':
      return { kind: 'new-pin', settings }
    default:
      return word satisfies never
  }
}

const COMMANDS = ['export', 'import', 'new-pin'] as const

function settingsFrom(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
): BoxSettings {
  const { raw, text, number, one, yes } = toldBy(BOX_SETTINGS, { flags, env })
  const list = (flag: string) =>
    text(flag)
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
  const server = raw('server')
  if (server !== null) checkedServer(server)
  const pin = raw('pin')
  if (pin !== null && !isPin(pin)) throw new WrongSettings(`--pin takes ${PIN_WORDS}.`)
  const port = number('home-port')
  if (!Number.isInteger(port) || port > 65_535) {
    throw new WrongSettings(`--home-port takes a port, not "${text('home-port')}".`)
  }
  const settings: BoxSettings = {
    server,
    token: raw('token'),
    tokenFile: raw('token-file'),
    isTokenOnArgv: flags.token !== undefined,
    stateFolder: text('state'),
    boxId: raw('box-id'),
    homeHost: text('home-host'),
    homePort: port,
    homeNames: list('home-names'),
    pin,
    pinFile: raw('pin-file'),
    kind: one('kind', BOX_KINDS),
    isSideBySide: yes('side-by-side'),
    boot: one('boot', BOOTS),
    bootSlots: text('boot-slots'),
    simulatedSlotBytes: number('simulated-slot-bytes', 1),
    codeUpstream: raw('code-upstream'),
    codeBranch: raw('code-branch'),
    codePaths: list('code-paths'),
    codeIntervalSeconds: number('code-interval-seconds', 1),
    serviceCommand: raw('service-command'),
    handlersSteadySeconds: number('handlers-steady-seconds'),
    serviceRestartCommand: raw('service-restart-command'),
    healthSeconds: number('health-seconds', 1),
    steadySeconds: number('steady-seconds'),
    watchdog: raw('watchdog'),
    carryOver: list('carry-over'),
    imageVersionFile: raw('image-version-file'),
    isImageForced: yes('image-without-fallback'),
    autobootFolder: text('autoboot-folder'),
    grubEnvironment: text('grub-environment'),
    swUpdateArguments: text('swupdate-arguments').split(/\s+/).filter(Boolean),
    swUpdateSelect: raw('swupdate-select'),
    restartCommand: text('restart-command'),
    factsFile: raw('facts'),
    intervalSeconds: number('interval-seconds', 1),
    isIntervalFixed: yes('fixed-interval'),
    waitSeconds: Math.min(300, number('wait-seconds')),
    answerTimeoutMs: number('answer-seconds', 1) * 1000,
    maxBytesPerSecond: number('max-bytes-per-second'),
    stallSeconds: number('stall-seconds', 1),
    reserveBytes: number('reserve-bytes'),
    backOffCapSeconds: number('max-back-off-seconds', 1),
    logLevel: one('log-level', LOG_LEVELS),
    logFormat:
      raw('log-format') === null ? null : one<'text' | 'json'>('log-format', ['text', 'json']),
  }
  if (server !== null && settings.token === null && settings.tokenFile === null) {
    throw new WrongSettings(
      'With --server a token is needed: --token-file, or UPDRAFT_DEVICE_TOKEN. Without --server both are set on the page.',
    )
  }
  return settings
}

export const PIN_WORDS = '4 to 32 signs without a blank'
export const isPin = (text: string): boolean => /^\S{4,32}$/.test(text)

function checkedServer(server: string): void {
  try {
    if (/^https?:$/.test(new URL(server).protocol)) return
  } catch (error) {
    throw new WrongSettings(`--server cannot be read: ${messageOf(error)}.`)
  }
  throw new WrongSettings(`--server takes a URL of http or https, not "${server}".`)
}

/** The table for people. */
export function boxHelpText(): string {
  return `updraft-agent box: keeps a box and its three layers, handlers, code and image, up to date.

Usage: updraft-agent box [settings]
       updraft-agent box export [--with-secrets] [settings]     prints the configuration
       updraft-agent box import FILE [settings]                 replaces it; not while the box runs
       updraft-agent box new-pin [settings]                     makes up another PIN for the page

Each setting is a flag, or an environment variable; the flag wins. Both win over what is set on the page.

${rowsFor(BOX_SETTINGS)}

Exit codes: 0 done, or the supervisor is to start the program again; 1 failed; 2 settings that cannot be
read; 3 another box uses the state folder. Certificates of a private authority: NODE_EXTRA_CA_CERTS;
a proxy: NODE_USE_ENV_PROXY=1 with HTTPS_PROXY.
`
}
