/** What runs of the code: the service in the folder of a release, and what tells whether it is well there. */
import type { Disk } from '../../disk.ts'
import type { Clock } from '../../waits.ts'
import { type HealthCheck, type HealthWindow, pageAnswers } from '../image/health.ts'
import type { LayerRelease } from '../layer.ts'
import type { ReleaseFolders } from '../release-folders.ts'
import type { Running } from '../trial.ts'
import { readManifest } from './code-release.ts'
import { commandSucceeds, whatIsWrong } from './health.ts'
import type { HealthForm, Manifest } from './manifest.ts'
import { type Service, withoutOurs } from './service.ts'

export interface CodeRunningOptions {
  readonly disk: Disk
  readonly folders: ReleaseFolders
  readonly service: Service
  /** Where the code does not say itself how it is started. */
  readonly serviceCommand?: readonly string[] | null
  readonly health?: Partial<HealthForm>
  /** Asked besides: devices that were there are there again, the server can be reached if it could. */
  readonly checks?: readonly HealthCheck[]
  /** What these told before the switch. */
  readonly before: () => HealthWindow['before']
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
}

export function codeRunning(options: CodeRunningOptions): Running {
  const { disk, folders, service, checks = [], clock } = options
  return {
    switchTo: async (release) => {
      if (!release) return await service.switchTo(null)
      const folder = folders.path(release)
      const command = (await readManifest(disk, folder)).service ?? options.serviceCommand ?? null
      await service.switchTo({ id: release.id, version: release.version, folder, command })
    },
    check: async (release, signal) => {
      const form = formOf(await readManifest(disk, folders.path(release)), options.health)
      const own = ownChecks(form, release, folders.path(release), options.environment)
      const state = () => service.state()
      return await whatIsWrong({
        service: state,
        form,
        checks: [...own, ...checks],
        before: options.before(),
        release,
        clock,
        signal,
      })
    },
  }
}

/** What the settings say outdoes what the code says. */
function formOf({ health }: Manifest, settings: Partial<HealthForm> = {}): HealthForm {
  const said = Object.entries(settings).filter(([, value]) => value !== undefined && value !== null)
  const form = { ...health, ...Object.fromEntries(said) }
  return { ...form, withinSeconds: Math.max(form.withinSeconds, form.upSeconds) }
}

function ownChecks(
  { url, command }: HealthForm,
  release: LayerRelease,
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): HealthCheck[] {
  const told = {
    ...withoutOurs(environment),
    UPDRAFT_RELEASE: release.id,
    UPDRAFT_VERSION: release.version,
  }
  return [
    // It names the release, so that it is not the one before that answers.
    ...(url === null ? [] : [pageAnswers(url, (text) => text.includes(release.id))]),
    ...(command === null ? [] : [commandSucceeds(command, { folder, environment: told })]),
  ]
}
