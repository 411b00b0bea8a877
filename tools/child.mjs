// Runs one child after the other and stands in for them towards the outside: signals reach the
// child exactly once, exit codes come back, and no child outlives us.

import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const LEASH = new URL('./leash.mjs', import.meta.url)
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/** A signal that comes again within this time is the same wish: a terminal and npm both pass it on. */
const SAME_WISH_MS = 300

const running = new Set()
let askedToStop

/** The exit code that tells a shell which signal ended us. */
export const codeOfSignal = (signal) => 128 + (constants.signals[signal] ?? 0)

/** Which signal asked us to stop, if one did. */
export const stopSignal = () => askedToStop

/** A Node option that ties a child to us; it needs `leashed: true` in `run`. */
export const leashOption = `--import=${LEASH.href}`

/**
 * Runs a command to its end. Answers its exit code and, with `capture`, what it printed.
 * A child has a process group of its own, so a Ctrl-C reaches it through us and only once;
 * `wholeGroup` hands signals to its children too, for tools that expect a terminal to do so.
 * `graceMs` ends by force what has not ended so long after a signal.
 */
export function run(command, args, options = {}) {
  const { capture = false, leashed = false, wholeGroup = false, graceMs, ...rest } = options
  const output = capture ? 'pipe' : 'inherit'
  const stdio = [capture ? 'ignore' : 'inherit', output, output, ...(leashed ? ['ipc'] : [])]
  const ownGroup = process.platform !== 'win32'
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...rest, stdio, detached: ownGroup })
    const entry = { child, wholeGroup: wholeGroup && ownGroup, graceMs }
    const chunks = []
    running.add(entry)
    child.stdout?.on('data', (chunk) => chunks.push(chunk))
    child.stderr?.on('data', (chunk) => chunks.push(chunk))
    child.once('error', (error) => {
      running.delete(entry)
      reject(error)
    })
    child.once('close', (code, signal) => {
      running.delete(entry)
      if (entry.wholeGroup) send(entry, 'SIGTERM')
      resolve({ code: code ?? codeOfSignal(signal), output: Buffer.concat(chunks).toString() })
    })
  })
}

/** From here on signals go to the children. Without a child they end us at once. */
export function passSignalsOn() {
  const lastSeen = new Map()
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const now = performance.now()
      if (now - (lastSeen.get(signal) ?? -Infinity) < SAME_WISH_MS) return
      lastSeen.set(signal, now)
      askedToStop ??= signal
      if (running.size === 0) process.exit(codeOfSignal(signal))
      for (const entry of running) {
        send(entry, signal)
        if (entry.graceMs) setTimeout(() => send(entry, 'SIGKILL'), entry.graceMs).unref()
      }
    })
  }
  if (process.env.npm_lifecycle_event) stopWhenOrphaned()
}

/** npm may be ended by force; what it started should not stay behind. */
function stopWhenOrphaned() {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent && askedToStop === undefined) process.kill(process.pid, 'SIGTERM')
  }, 1000).unref()
}

function send({ child, wholeGroup }, signal) {
  try {
    if (wholeGroup) process.kill(-child.pid, signal)
    else child.kill(signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}
