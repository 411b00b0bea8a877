/** The simulator as a program: a scenario in, what happened out. */
import { readFile } from 'node:fs/promises'
import { systemClock } from '@updraft/agent'
import { devicesThere, differences } from './account.ts'
import { Fleet, planOf } from './fleet.ts'
import { readMemory, writeMemory } from './memory.ts'
import { comparison, happenings, progress } from './print.ts'
import { parseScenario, ScenarioError } from './scenario.ts'
import { HELP, readSettings, type Settings, WrongSettings } from './settings.ts'
import { tokensFor } from './tokens.ts'

const EXIT = { asItShouldBe: 0, notSo: 1, wrongSettings: 2 } as const
const TELL_EVERY_MS = 10_000
const MAX_COMPLAINTS = 5
const LOOK_EVERY_MS = 200
/** Updates that are under way at the end may come to theirs. */
const SETTLE_MS = 30_000

const say = (text: string): void => void process.stdout.write(text)
const complain = (text: string): void => void process.stderr.write(text)

async function main(): Promise<number> {
  try {
    const settings = readSettings(process.argv.slice(2), process.env)
    if (settings !== 'help') return await simulate(settings)
    say(HELP)
    return EXIT.asItShouldBe
  } catch (error) {
    const isForeseen = error instanceof WrongSettings || error instanceof ScenarioError
    if (!isForeseen) throw error
    complain(`${error.message}\nSee updraft-simulator --help.\n`)
    return EXIT.wrongSettings
  }
}

async function simulate(settings: Settings): Promise<number> {
  const scenario = parseScenario(await textOf(settings.scenarioFile))
  const plan = planOf(scenario)
  const { servers, tokensFile: file } = settings
  const { tokens, refused } = await tokensFor(plan, { server: servers.http, file })
  for (const { name, because } of refused.slice(0, MAX_COMPLAINTS)) {
    complain(`${name} is left out: ${because}\n`)
  }
  if (refused.length > MAX_COMPLAINTS) complain(`… ${refused.length} in all are left out.\n`)
  const { memoryFile } = settings
  const runs = memoryFile === null ? {} : await readMemory(memoryFile)
  const fleet = new Fleet(plan, { seed: scenario.seed, servers, tokens, runs })
  if (fleet.devices.length === 0) {
    complain('No device has a token.\n')
    return EXIT.wrongSettings
  }
  await Promise.race([fleet.start(), untilTheEnd(fleet, settings)])
  await fleet.stop()
  if (memoryFile !== null) await writeMemory(memoryFile, fleet.devices)
  if (!settings.isQuiet) say(`\n${happenings(fleet.devices)}\n`)
  const isSame = await holdAgainstTheServer(fleet, settings)
  return isSame && refused.length === 0 ? EXIT.asItShouldBe : EXIT.notSo
}

/** Resolves when the time is over, enough has happened, or a signal says so; a second signal does not wait. */
async function untilTheEnd(fleet: Fleet, settings: Settings): Promise<void> {
  const { seconds, updates, memoryFile, isQuiet } = settings
  const asked = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked.signal.aborted) process.exit(EXIT.notSo)
      asked.abort()
    })
  }
  const begunMs = systemClock.nowMs()
  let toldMs = begunMs
  const isOver = (nowMs: number): boolean =>
    asked.signal.aborted ||
    (seconds !== null && nowMs - begunMs >= seconds * 1000) ||
    (updates !== null && fleet.fewestUpdates >= updates)
  for (let now = begunMs; !isOver(now); now = systemClock.nowMs()) {
    await systemClock.wait(LOOK_EVERY_MS, asked.signal)
    if (now - toldMs < TELL_EVERY_MS) continue
    toldMs = now
    if (memoryFile !== null) await writeMemory(memoryFile, fleet.devices)
    if (!isQuiet) say(`${progress(fleet.devices, (now - begunMs) / 1000)}\n`)
  }
  // Whoever asked for the account at a terminal may wait for it; a signal wants an end.
  const settleBy = systemClock.nowMs() + (asked.signal.aborted ? 0 : SETTLE_MS)
  while (!fleet.isQuiet && !asked.signal.aborted && systemClock.nowMs() < settleBy) {
    await systemClock.wait(LOOK_EVERY_MS, asked.signal)
  }
}

async function holdAgainstTheServer(fleet: Fleet, settings: Settings): Promise<boolean> {
  const { apiToken: token, servers, isQuiet } = settings
  if (token === null) {
    if (!isQuiet) say("Without UPDRAFT_TOKEN the server's account is not looked at.\n")
    return true
  }
  const there = await devicesThere({ server: servers.http, token })
  const found = differences(fleet.devices, there)
  if (!isQuiet || found.length > 0) say(comparison(fleet.devices, found))
  return found.length === 0
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new ScenarioError(`The scenario cannot be read: ${(error as Error).message}`)
  }
}

process.exit(await main())
