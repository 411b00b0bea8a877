/** What a box is made of on this machine: its three layers, by settings and configuration. */
import { join } from 'node:path'
import type { Disk } from '../disk.ts'
import type { Log } from '../log.ts'
import { WrongSettings } from '../settings-table.ts'
import { messageOf } from '../trouble.ts'
import type { Clock } from '../waits.ts'
import { type CodeLayer, codeLayer } from './code/code-layer.ts'
import { commandService } from './code/command-service.ts'
import { gitUpstream } from './code/git-upstream.ts'
import { childService } from './code/service.ts'
import type { BoxConfig } from './config.ts'
import { handlersLayer } from './handlers/handlers-layer.ts'
import { processHosts } from './handlers/process-host.ts'
import { handlersIn } from './home/handlers.ts'
import { BOOT_DEFAULTS, detectBootAdapter, systemMachine } from './image/detect.ts'
import { devicesBack, diskWritable, stillReached } from './image/health.ts'
import { imageLayer } from './image/image-layer.ts'
import { IMAGE_VERSION_FILES } from './image/image-version.ts'
import { parseSlots } from './image/slots.ts'
import type { LayerStatus, OnProgress } from './layer.ts'
import type { BoxLayers } from './layers.ts'
import type { BoxSettings } from './settings.ts'

export interface ComposeNeeds {
  readonly settings: BoxSettings
  readonly config: BoxConfig
  readonly stateFolder: string
  readonly disk: Disk
  readonly clock: Clock
  readonly bootId: string
  readonly log: Log
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly onProgress: OnProgress
  /** Something that the page shows is another. */
  readonly onChange: () => void
  /** Restarts the machine, where it is one of its own. */
  readonly restart: () => Promise<void>
  /** Where the page answers, if it does; asked anew each time, as its port may come late. */
  readonly homeUrl: () => string
  readonly serverUrl: () => string | null
}

export interface Composed {
  readonly layers: BoxLayers
  readonly kind: 'physical' | 'virtual'
  /** Restarts the machine, in the manner of who starts it. */
  readonly restart: () => Promise<void>
  readonly isSimulated: boolean
  /** For the program ends. */
  end(): Promise<void>
}

export async function compose(needs: ComposeNeeds): Promise<Composed> {
  const { settings } = needs
  const { boot, restart, runningVersion } = await bootOf(needs)
  const kind =
    settings.kind === 'auto' ? ('because' in boot ? 'virtual' : 'physical') : settings.kind
  const handlers = handlersLayer({
    folder: join(needs.stateFolder, 'handlers'),
    startHost: processHosts({ environment: needs.environment, log: needs.log }),
    disk: needs.disk,
    clock: needs.clock,
    reserveBytes: settings.reserveBytes,
    steadySeconds: settings.handlersSteadySeconds,
    onProgress: needs.onProgress,
    onChange: needs.onChange,
    log: needs.log,
  })
  const checks = checksOf(needs, () => devicesOf(handlers.status()))
  const image = imageLayer({
    boot: kind === 'virtual' ? VIRTUAL_IMAGE : boot,
    disk: needs.disk,
    dataFolder: needs.stateFolder,
    bootId: needs.bootId,
    restart,
    runningVersion,
    checks,
    timing: { windowMs: settings.healthSeconds * 1000, steadyMs: settings.steadySeconds * 1000 },
    watchdogPath: settings.watchdog,
    carryOver: settings.carryOver,
    isForced: settings.isImageForced,
    onProgress: needs.onProgress,
    log: needs.log,
    clock: needs.clock,
  })
  const code: CodeLayer = codeOf(needs, {
    checks,
    refusal: kind === 'virtual' && !settings.isSideBySide ? VIRTUAL_CODE : null,
    runs: (type) => (type === 'image' ? image : type === 'handlers' ? handlers : code).installed(),
  })
  return {
    layers: { handlers, code, image },
    kind,
    // Where a trial is asked for, the boot loader may want a restart of its own.
    restart: () => image.restart(),
    isSimulated: settings.boot === 'simulator',
    end: async () => {
      await Promise.all([handlers.stop(), code.end()])
    },
  }
}

const VIRTUAL_IMAGE = {
  because: 'A virtual box has no image of its own: the system is that of the machine it runs on.',
  instead: 'Update that system by its own means.',
}
const VIRTUAL_CODE = {
  because: 'The code of a virtual box came with its installation.',
  instead: 'Install the newer version, or start the box with --side-by-side.',
}

async function bootOf({ settings, stateFolder, disk, restart }: ComposeNeeds) {
  const slots = (() => {
    if (settings.bootSlots === '') return []
    try {
      return parseSlots(settings.bootSlots)
    } catch (error) {
      throw new WrongSettings(`--boot-slots cannot be read: ${messageOf(error)}.`)
    }
  })()
  return await detectBootAdapter(
    {
      ...BOOT_DEFAULTS,
      boot: settings.kind === 'virtual' ? 'none' : settings.boot,
      slots,
      folder: join(stateFolder, 'image'),
      simulatedSlotBytes: settings.simulatedSlotBytes,
      autobootFolder: settings.autobootFolder,
      grubEnvironment: settings.grubEnvironment,
      swUpdate: {
        program: 'swupdate',
        arguments: settings.swUpdateArguments,
        select: settings.swUpdateSelect,
      },
      versionFiles: settings.imageVersionFile ? [settings.imageVersionFile] : IMAGE_VERSION_FILES,
    },
    systemMachine(disk),
    restart,
  )
}

function codeOf(
  needs: ComposeNeeds,
  { refusal, runs, checks }: Pick<Parameters<typeof codeLayer>[0], 'refusal' | 'runs' | 'checks'>,
): CodeLayer {
  const { settings, config, stateFolder, disk, clock, bootId, log, environment, onProgress } = needs
  const folder = join(stateFolder, 'code')
  const url = settings.codeUpstream ?? config.code.upstream
  const paths = settings.codePaths.length > 0 ? settings.codePaths : config.code.paths
  const { stallSeconds, reserveBytes } = settings
  const common = { environment, bootId, clock, log }
  return codeLayer({
    ...common,
    disk,
    folder,
    upstream:
      url === null
        ? null
        : gitUpstream({ ...common, folder: join(folder, 'upstream.git'), url, stallSeconds }),
    service:
      settings.serviceRestartCommand === null
        ? childService({
            ...common,
            noteFile: join(folder, 'service.json'),
            random: Math.random,
          })
        : commandService({
            disk,
            environment,
            link: join(folder, 'current'),
            command: settings.serviceRestartCommand,
          }),
    serviceCommand: settings.serviceCommand === null ? null : wordsOf(settings.serviceCommand),
    runs,
    checks,
    branch: settings.codeBranch ?? config.code.branch,
    paths,
    refusal,
    reserveBytes,
    platform: process.platform,
    random: Math.random,
    onProgress,
  })
}

function checksOf(
  { disk, stateFolder, homeUrl, serverUrl }: ComposeNeeds,
  devices: () => string[],
) {
  const answers = async (url: string | null, signal?: AbortSignal): Promise<boolean> => {
    if (url === null) return false
    return await fetch(url, { signal, method: 'HEAD' }).then(
      () => true,
      () => false,
    )
  }
  return [
    stillReached('the page', (signal) => answers(homeUrl(), signal)),
    diskWritable(disk, join(stateFolder, 'health')),
    stillReached('the server', (signal) => answers(serverUrl(), signal)),
    devicesBack(async () => devices()),
  ]
}

const devicesOf = ({ details }: LayerStatus): string[] =>
  handlersIn(details).flatMap(({ devices }) => devices)

/** As a shell would see them; a word with a blank in it stands in quotes. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  )
