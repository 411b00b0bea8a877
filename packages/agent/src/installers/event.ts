/** Hands the artifact to the program that embeds the agent, and waits for its word. */
import type { EventEmitter } from 'node:events'
import type { AgentEvents, InstallResponse } from '../events.ts'
import type { Installer, InstallResult } from '../installer.ts'
import { messageOf } from '../trouble.ts'
import type { Clock } from '../waits.ts'

/** An installer that emits `device:update`; without a listener, or without an answer in time, it has failed. */
export function eventInstaller(
  agent: Pick<EventEmitter<AgentEvents>, 'emit'>,
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
): Installer {
  return {
    async install({ file, release }): Promise<InstallResult> {
      const answered = new AbortController()
      let result: InstallResult | null = null
      const respond = (response: InstallResponse) => {
        result ??=
          typeof response === 'string'
            ? { kind: response }
            : { kind: 'failed', error: response.failed }
        answered.abort()
      }
      try {
        const isHeard = agent.emit('device:update', { file, release, respond })
        if (!isHeard) return failed('nobody listens to device:update')
      } catch (error) {
        return failed(`the program that installs it threw: ${messageOf(error)}`)
      }
      await clock.wait(timeoutMs, answered.signal)
      return result ?? failed(`no answer to device:update within ${timeoutMs / 1000} seconds`)
    },
  }
}

const failed = (error: string): InstallResult => ({ kind: 'failed', error })
