// Dependencies on demand: a fresh clone needs no other command before the first one. What is
// installed is held against package-lock.json; two commands at once never install into each other.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { delimiter, dirname, join, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { codeOfSignal, run, stopSignal } from './child.mjs'

const NEEDED_MAJOR = 24
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']
/** npm goes on for long after a Ctrl-C; what it leaves half done, the next install completes. */
const NPM_GRACE_MS = 2_000
const BEAT_MS = 2_000
/** A lock nobody has refreshed for this long belongs to a process that is gone. */
const STALE_MS = 20_000

/** Installs what is missing. Answers once node_modules agrees with package-lock.json, or ends the process. */
export async function ensureInstalled(root) {
  if (isInstalled(root)) return
  const release = await takeLock(join(root, '.tools', 'install.lock'))
  try {
    if (!isInstalled(root)) await install(root)
  } finally {
    await release()
  }
}

/** The Node to run the project with: its own, or ours when that is new enough. */
export function findNode(root) {
  const own = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node')
  if (existsSync(own)) {
    if (realpathSync(own) === realpathSync(process.execPath)) return own
    if (spawnSync(own, ['--version'], { stdio: 'ignore' }).status === 0) return own
  }
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) return process.execPath
  throw new Error(
    [
      `Updraft runs on Node ${NEEDED_MAJOR}. This is ${process.version}, and the project's own Node ${NEEDED_MAJOR} is not set up:`,
      'npm was probably told not to run install scripts. One of these helps:',
      '  npm rebuild node --ignore-scripts=false   sets up the project’s own',
      `  a Node ${NEEDED_MAJOR} or newer on the PATH, then the same command again`,
    ].join('\n'),
  )
}

const windows = process.platform === 'win32'
const installedLockOf = (root) => join(root, 'node_modules', '.package-lock.json')
const markerOf = (root) => join(root, 'node_modules', '.updraft-installed')
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

function isInstalled(root) {
  const installed = installedLockOf(root)
  if (!existsSync(installed)) return false
  const marker = markerOf(root)
  if (existsSync(marker) && readFileSync(marker, 'utf8') === stampOf(root)) return true
  return agrees(root, readJson(join(root, 'package-lock.json')), readJson(installed))
}

/** One value for everything that says what should be installed, and for what npm says is. */
function stampOf(root) {
  const manifests = manifestFolders(root).map((folder) => join(root, folder, 'package.json'))
  const hash = createHash('sha256')
  for (const file of [join(root, 'package-lock.json'), installedLockOf(root), ...manifests]) {
    hash.update(readFileSync(file))
  }
  return hash.digest('hex')
}

function manifestFolders(root) {
  const folders = readJson(join(root, 'package.json')).workspaces.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern]
    const parent = pattern.slice(0, -2)
    return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`)
  })
  return ['', ...folders.filter((folder) => existsSync(join(root, folder, 'package.json'))).sort()]
}

/** True when somebody has already installed just this by hand: no reason to do it again. */
function agrees(root, wanted, installed) {
  const manifestsAgree = manifestFolders(root).every((folder) => {
    const manifest = readJson(join(root, folder, 'package.json'))
    const locked = wanted.packages[folder] ?? {}
    return ['dependencies', 'devDependencies', 'optionalDependencies'].every((kind) =>
      isDeepStrictEqual(manifest[kind] ?? {}, locked[kind] ?? {}),
    )
  })
  return (
    manifestsAgree &&
    Object.entries(wanted.packages).every(([path, want]) => {
      if (path === '') return true
      const have = installed.packages[path]
      if (!have) return want.optional === true || want.devOptional === true || want.peer === true
      return have.version === want.version && have.integrity === want.integrity
    })
  )
}

/**
 * Not `npm ci`: that empties node_modules under the feet of whoever is running, and refuses a lock
 * file written where the registry had no packages for other platforms. `--no-save` keeps to the lock
 * file and leaves it alone.
 */
async function install(root) {
  const began = performance.now()
  process.stderr.write('Installing the dependencies (npm install) … ')
  const args = ['install', '--no-save', '--include=dev', ...QUIET]
  const options = {
    capture: true,
    cwd: root,
    env: outsideEnv(),
    shell: windows,
    wholeGroup: true,
    graceMs: NPM_GRACE_MS,
  }
  const { code, output } = await run('npm', args, options).catch((error) => {
    if (error.code !== 'ENOENT') throw error
    return { code: 127, output: 'npm is not on the PATH\n' }
  })
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  if (stopSignal()) {
    process.stderr.write('stopped\n')
    process.exitCode = codeOfSignal(stopSignal())
    throw new Error('The dependencies are not installed.')
  }
  if (code !== 0) {
    process.stderr.write(`failed after ${seconds} s\n${output}`)
    throw new Error(`npm install ended with code ${code}.`)
  }
  await writeFile(markerOf(root), stampOf(root))
  process.stderr.write(`done in ${seconds} s\n`)
}

/** The PATH without node_modules: npm changes that folder, and must not stand on it meanwhile. */
function outsideEnv() {
  const entries = (process.env.PATH ?? '').split(delimiter)
  const outside = entries.filter((entry) => !entry.includes(`node_modules${sep}.bin`))
  return { ...process.env, PATH: outside.join(delimiter) }
}

/** Waits until nobody else installs. Answers the function that lets go again. */
async function takeLock(path) {
  const owner = `${process.pid} ${hostname()}`
  mkdirSync(dirname(path), { recursive: true })
  for (let waited = false; ; ) {
    try {
      await writeFile(path, owner, { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (await removeIfStale(path)) continue
    if (!waited) process.stderr.write('Waiting for another command that is installing …\n')
    waited = true
    await sleep(200)
  }
  const beat = setInterval(() => utimes(path, new Date(), new Date()).catch(() => {}), BEAT_MS)
  beat.unref()
  return async () => {
    clearInterval(beat)
    await rm(path, { force: true })
  }
}

/** Renaming first makes sure that of several waiting ones just one removes the lock they all saw. */
async function removeIfStale(path) {
  const seen = await lookAt(path)
  if (seen === undefined) return true
  if (!isStale(seen)) return false
  const aside = `${path}.${process.pid}`
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  )
  if (!moved) return true
  const taken = await lookAt(aside)
  if (taken && !isStale(taken)) await rename(aside, path)
  else await rm(aside, { force: true })
  return true
}

async function lookAt(path) {
  try {
    const { mtimeMs } = await stat(path)
    const [pid, host] = readFileSync(path, 'utf8').trim().split(' ')
    return { pid: Number(pid), host, ageMs: Date.now() - mtimeMs }
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** A lock just made may still be empty, so an unreadable one is judged by its age alone. */
function isStale({ pid, host, ageMs }) {
  if (ageMs > STALE_MS) return true
  return pid > 0 && host === hostname() && !isAlive(pid)
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
