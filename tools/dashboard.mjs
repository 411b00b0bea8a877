// The dashboard is the one thing that is built. It is built anew when what it is made of has changed,
// and not otherwise: the stamp beside the built files tells of what they were made.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { run } from './child.mjs'

const FOLDER = 'packages/dashboard'
/** All that goes into it. */
const SOURCES = [
  'package-lock.json',
  `${FOLDER}/index.html`,
  `${FOLDER}/vite.config.ts`,
  `${FOLDER}/public`,
  `${FOLDER}/src`,
  'packages/api/src',
  'packages/core/src',
]
const COMPRESSED = /\.(js|css|html|svg)$/

/** Builds the dashboard if it is not there or its sources have changed. Throws when it cannot be built. */
export async function ensureDashboard(root, node) {
  const dist = join(root, FOLDER, 'dist')
  const stamp = stampOf(root)
  const stampFile = join(dist, '.stamp')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  // Built beside and moved into place: a server that runs meanwhile never finds half of it.
  const fresh = `${dist}.${process.pid}`
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const args = [vite, 'build', '--logLevel', 'warn', '--outDir', fresh, '--emptyOutDir']
  // Whoever asks for it, a test as well, gets what people get: libraries without their checks for developers.
  const env = { ...process.env, NODE_ENV: 'production' }
  const { code, output } = await run(node, args, { capture: true, cwd: join(root, FOLDER), env })
  if (code !== 0) {
    await rm(fresh, { recursive: true, force: true })
    throw new Error(`The dashboard could not be built:\n${output}`)
  }
  await compress(fresh)
  await writeFile(join(fresh, '.stamp'), stamp)
  await rm(dist, { recursive: true, force: true })
  // Another command may have built the same at the same time.
  await rename(fresh, dist).catch(() => rm(fresh, { recursive: true, force: true }))
}

function stampOf(root) {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    const path = join(root, source)
    for (const file of filesIn(path)) hash.update(file).update(readFileSync(file))
  }
  return hash.digest('hex')
}

/** The path itself if it is a file, else all files below it but tests. */
function filesIn(path) {
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.name.includes('.test'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/**
 * What a browser is sent, compressed, until the overview of someone who signs in is complete: path → bytes. Of the
 * fonts only the one that English takes.
 */
export function firstLoad(root) {
  const dist = join(root, FOLDER, 'dist')
  const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8'))
  const files = new Set(['index.html', 'scheme.js', 'favicon.svg'])
  const load = (key) => {
    const { file, css = [], assets = [], imports = [] } = manifest[key]
    if (files.has(file)) return
    const fonts = assets.filter((asset) => asset.includes('-latin-wght-'))
    for (const each of [file, ...css, ...fonts]) files.add(each)
    for (const each of imports) load(each)
  }
  for (const entry of ['index.html', 'src/pages/overview.tsx']) load(entry)
  const sizeOf = (file) => statSync(join(dist, COMPRESSED.test(file) ? `${file}.gz` : file)).size
  return new Map([...files].map((file) => [file, sizeOf(file)]))
}

/** Beside each text its compressed forms, so that nobody waits for them. */
async function compress(folder) {
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => COMPRESSED.test(file))
  await Promise.all(
    files.map(async (file) => {
      const path = join(folder, file)
      const bytes = readFileSync(path)
      const params = { [constants.BROTLI_PARAM_QUALITY]: 9 }
      await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, { params }))
      await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }))
    }),
  )
}
