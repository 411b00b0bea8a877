/** What most tests of the agent need: a folder of their own, a clock in a hurry, and quick settings. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Agent } from './agent.ts'
import { type AgentOptions, createAgent } from './create-agent.ts'
import { FakeServer, TOKEN } from './fake-server.test-helper.ts'
import { updraftUplink } from './uplinks/updraft.ts'
import { type Clock, systemClock } from './waits.ts'

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'updraft-agent-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export async function startServer(): Promise<FakeServer> {
  const server = await FakeServer.start()
  onTestFinished(() => server.down())
  return server
}

/** Moves by itself: whoever waits is there at once, and what was waited for is written down. */
export class HurriedClock implements Clock {
  readonly waits: number[] = []
  #now = 0

  nowMs(): number {
    return this.#now
  }

  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return
    this.waits.push(ms)
    this.#now += ms
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Stands still until a test moves it on. */
export class HandClock implements Clock {
  #now = 0
  readonly #waits = new Set<{ readonly at: number; readonly end: () => void }>()

  nowMs(): number {
    return this.#now
  }

  /** How long each of those who wait now still has to, the shortest first. */
  get waits(): number[] {
    return [...this.#waits].map(({ at }) => at - this.#now).sort((a, b) => a - b)
  }

  wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wait = { at: this.#now + ms, end: resolve }
      this.#waits.add(wait)
      signal?.addEventListener('abort', () => {
        this.#waits.delete(wait)
        resolve()
      })
    })
  }

  advance(ms: number): void {
    this.#now += ms
    for (const wait of [...this.#waits].sort((a, b) => a.at - b.at)) {
      if (wait.at > this.#now) return
      this.#waits.delete(wait)
      wait.end()
    }
  }
}

/** The real time, but everything takes a tenth of what it would. */
export const tenfoldClock: Clock = {
  nowMs: () => systemClock.nowMs() * 10,
  wait: (ms, signal) => systemClock.wait(ms / 10, signal),
}

export const OLD = { firmware: { title: 'app', version: '1.0.0' } }

/** An agent that installs at once, by remembering the bytes it was given. */
export async function quickAgent(
  server: { readonly url: string },
  options: Partial<AgentOptions> = {},
): Promise<{ agent: Agent; clock: HurriedClock; installed: Buffer[]; stateFolder: string }> {
  const clock = new HurriedClock()
  const stateFolder = options.stateFolder ?? (await temporaryFolder())
  const installed: Buffer[] = []
  const agent = await createAgent({
    uplink: updraftUplink({ server: server.url, token: async () => TOKEN }),
    stateFolder,
    installed: OLD,
    firstCheckInSeconds: 0,
    reserveBytes: 0,
    syncEveryBytes: 32_768,
    clock,
    ...options,
  })
  if (!options.installers) {
    agent.on('device:update', ({ file, respond }) => {
      // At once: the clock in a hurry would not wait for an answer.
      installed.push(readFileSync(file))
      respond('done')
    })
  }
  return { agent, clock, installed, stateFolder }
}
