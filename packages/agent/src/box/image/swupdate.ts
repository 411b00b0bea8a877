/**
 * SWUpdate does it: it checks the signature, the hardware and the hashes of a `.swu`, and writes what its description
 * says to the copy that is selected. Which slot starts is its boot loader's business, through another adapter; `ustate`
 * tells SWUpdate what became of it.
 * (sbabic.github.io/swupdate: "Update Transaction and Status Marker", "Best practice": recovery_status, ustate)
 */
import { UpdateFailed } from '../../trouble.ts'
import type { BootAdapter } from './boot-adapter.ts'
import type { BootEnvironment } from './boot-environment.ts'
import { lastWords, type Run } from './run.ts'

export interface SwUpdateOptions {
  readonly run: Run
  /** `swupdate` itself, or `swupdate-client` where it runs as a service. */
  readonly program: 'swupdate' | 'swupdate-client'
  /** Such as `-k`, `/etc/swupdate/public.pem`, `-H`, `board:1.0`. */
  readonly arguments: readonly string[]
  /** Which copy its description is asked for, such as `stable,{slot}`; null where there is only one. */
  readonly select: string | null
  /** Starts the slots. */
  readonly loader: BootAdapter
  /** Where it keeps its state; null where it keeps none. */
  readonly environment: BootEnvironment | null
}

const STATE = 'ustate'
/** Installed, and on trial. */
const UNDER_TEST = ['1', '2']
const OK = '0'
const FAILED = '3'

export function swUpdate(options: SwUpdateOptions): BootAdapter {
  const { run, program, select, loader, environment } = options

  async function settle(state: string): Promise<void> {
    const now = (await environment?.read([STATE]))?.[STATE]
    if (environment && now !== undefined && UNDER_TEST.includes(now)) {
      await environment.write({ [STATE]: state })
    }
  }

  return {
    ...loader,
    name: 'swupdate',
    describe: () => `SWUpdate, with ${loader.describe()}`,
    async confirm() {
      await loader.confirm()
      await settle(OK)
    },
    async revert() {
      await loader.revert()
      await settle(FAILED)
    },
    place: {
      kind: 'delegate',
      async install(file, { slot, signal }) {
        const selected = select === null ? [] : ['-e', select.replaceAll('{slot}', slot)]
        const what = program === 'swupdate' ? ['-i', file] : [file]
        const args = [...options.arguments, ...selected, ...what]
        const { code, stdout, stderr } = await run(program, args, { signal })
        signal.throwIfAborted()
        if (code !== 0 && !saysItSucceeded(stdout, stderr)) {
          throw new UpdateFailed(`SWUpdate refused it${why(stdout, stderr)}`, 'install')
        }
      },
    },
  }
}

const SUCCEEDED = /\[endupdate\][ :]+SWUpdate was successful !/
const FAILED_WORDS = /SWUPDATE failed/

/**
 * It has helper processes, and on a busy machine one of them may go before it does: it then ends with 1 although all is
 * in place (2022.12, one run in six). What it prints once it has the result is to be believed more than its status.
 */
function saysItSucceeded(stdout: string, stderr: string): boolean {
  return SUCCEEDED.test(stdout) && !FAILED_WORDS.test(`${stdout}${stderr}`)
}

const ERROR =
  /\[ERROR\s*\]\s*:\s*SWUPDATE failed\s*\[\d+\]\s*ERROR\b[^\n]*?\s:\s+(?:\w+\s*:\s*\d+\s*:\s*)?(.+)/

/** The first error says what it was; those that follow, that it therefore failed. */
function why(stdout: string, stderr: string): string {
  const [, said] = ERROR.exec(`${stderr}\n${stdout}`) ?? []
  return said ? `: ${said.trim().slice(0, 300)}` : lastWords(stderr || stdout)
}
