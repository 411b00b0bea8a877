// Loads one handler, and says on the fourth stream how that went and which devices it has. Started by the agent with the
// handler's file and the folder of libraries; ends when its standard input does, which it does when the agent is gone.
import { existsSync, statSync, writeSync } from 'node:fs'
import { isBuiltin, registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

const WORDS = 3
const POLL_SECONDS = 3
const [file, libraries] = process.argv.slice(2)

/** In a thread of its own: also a handler that never lets go of the other ends with the agent. */
const WATCH = `
const { Socket } = require('node:net')
const { parentPort } = require('node:worker_threads')
new Socket({ fd: 0 }).on('error', () => {}).on('close', () => {
  parentPort.postMessage('stop')
  setTimeout(() => {
    try { process.kill(-process.pid, 'SIGKILL') } catch {}
    process.kill(process.pid, 'SIGKILL')
  }, 2000)
}).resume()
`

function say(word) {
  let rest = Buffer.from(`${JSON.stringify(word)}\n`)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(WORDS, rest))
    } catch (error) {
      if (error.code !== 'EAGAIN') return
    }
  }
}

/** What it says and where in the set it was; the rest of the stack tells nobody at the box anything. */
function inWords(error) {
  if (!(error instanceof Error)) return String(error)
  const [place] = /\b(?:drivers|interfaces|lib)\/[^\s:()]+:\d+/.exec(error.stack ?? '') ?? []
  return `${error.name}: ${error.message}${place ? ` (${place})` : ''}`
}

function fail(error) {
  say({ says: 'failed', error: inWords(error).split('\n').slice(0, 4).join('\n') })
  process.exit(1)
}

let last = ''
function report(devices) {
  const text = JSON.stringify(devices)
  if (text === last) return
  last = text
  say({ says: 'devices', devices })
}

/** What is in lib/ can be imported by its name. */
registerHooks({
  resolve(specifier, context, next) {
    if (/^[./]|^\w+:/.test(specifier) || isBuiltin(specifier)) return next(specifier, context)
    const found = ['', '.js', '.mjs', '.cjs', '.ts', '/index.js', '/index.mjs', '/index.ts']
      .map((ending) => join(libraries, specifier + ending))
      .find((path) => existsSync(path) && statSync(path).isFile())
    return next(found ? pathToFileURL(found).href : specifier, context)
  },
})

process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)

let stop
const watch = new Worker(WATCH, { eval: true })
watch.on('message', async () => {
  try {
    await stop?.()
  } finally {
    try {
      process.kill(-process.pid, 'SIGKILL')
    } catch {
      process.exit(0)
    }
  }
})
watch.unref()

try {
  const loaded = await import(pathToFileURL(file).href)
  const handler = typeof loaded.default === 'object' ? { ...loaded.default, ...loaded } : loaded
  const { devices, start, pollSeconds = POLL_SECONDS } = handler
  if (typeof devices !== 'function' && typeof start !== 'function') {
    throw new Error('it exports neither devices() nor start()')
  }
  stop = handler.stop
  say({ says: 'loaded' })
  const starting = start?.({ report })
  if (devices) {
    for (;;) {
      report(await devices())
      if (!(pollSeconds > 0)) break
      await new Promise((resolve) => setTimeout(resolve, pollSeconds * 1000))
    }
  }
  await starting
} catch (error) {
  fail(error)
}
