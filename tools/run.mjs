// The door behind every npm script. Makes sure that dependencies and the project's own Node are
// there, then runs one command of the table below. Plain JavaScript for any Node from 20 on.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeOfSignal, leashOption, passSignalsOn, run, stopSignal } from './child.mjs'
import { ensureDashboard } from './dashboard.mjs'
import { ensureInstalled, findNode } from './install.mjs'
import { ensureServices } from './services.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const inCi = !['', '0', 'false', undefined].includes(process.env.CI)
const colors = (process.stdout.isTTY === true || !!process.env.FORCE_COLOR) && !process.env.NO_COLOR

/** Each command: its arguments → its exit code. */
const COMMANDS = { start, check, test, format, bench, shots }

const [name, ...args] = process.argv.slice(2)
let node = process.execPath
let env = process.env

async function main() {
  if (!Object.hasOwn(COMMANDS, name)) {
    console.error(`usage: node tools/run.mjs ${Object.keys(COMMANDS).join('|')} [arguments]`)
    return 2
  }
  await ensureInstalled(root)
  node = findNode(root)
  const path = [join(root, 'node_modules', '.bin'), dirname(node), process.env.PATH ?? '']
  env = { ...process.env, PATH: path.join(delimiter) }
  return COMMANDS[name](args)
}

/**
 * The server, with the dashboard as its sources are now; the server's own flags are passed on. With `--demo` a
 * simulated fleet lives on it.
 */
async function start(args) {
  await ensureDashboard(root, node)
  if (!args.includes('--demo')) return runSource('packages/server/src/main.ts', args)
  const others = args.filter((arg) => arg !== '--demo')
  return runSource('tools/demo.ts', others)
}

async function format() {
  const options = { cwd: root, env, wholeGroup: true }
  const biome = ['node_modules/@biomejs/biome/bin/biome', 'check', '--write']
  return (await run(node, biome, options)).code
}

/** The fast part, for every save: ends at the first step that fails. */
async function check() {
  for (const step of STATIC_STEPS) {
    if (!(await staticStep(step)) || stopCode()) return stopCode() ?? 1
  }
  const { code, seconds, tally, output } = await vitest(['--project', 'fast'], { capture: true })
  heading('fast tests', code === 0, seconds, `${tally.passed} passed`)
  if (code !== 0) process.stdout.write(output)
  return stopCode() ?? code
}

/**
 * Everything. All steps run even when an early one fails, so one run tells all there is to mend.
 * The last line is `N passed, N failed[, N skipped]`: tests, and one failure for each step before
 * them that failed. With arguments, only the tests they name.
 */
async function test(args) {
  const failedSteps = []
  if (args.length === 0) {
    for (const step of STATIC_STEPS) {
      if (!(await staticStep(step))) failedSteps.push(step.title)
      if (stopCode()) return stopCode()
    }
  }
  await ensureServices()
  await ensureDashboard(root, node)
  const first = await vitest(args, { capture: false })
  if (stopCode()) return stopCode()
  heading('tests', first.code === 0, first.seconds)
  const { code, tally, unsteady } = inCi ? await secondLook(first) : { ...first, unsteady: [] }
  if (stopCode()) return stopCode()
  for (const file of unsteady) {
    console.log(`UNSTEADY: ${file} failed, and passed when it was run again: a bug to mend`)
  }
  for (const title of failedSteps) console.log(`FAILED: ${title}, see above`)
  for (const skip of tally.skipped) {
    const word = inCi ? 'SKIPPED, which fails here' : 'SKIPPED'
    console.log(`${word}: ${skip.name}${skip.note ? ` (${skip.note})` : ''}`)
  }
  const failed = tally.failed + failedSteps.length
  const skipped = tally.skipped.length
  console.log(
    `${tally.passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  )
  return failed > 0 || code !== 0 || (inCi && skipped > 0) ? 1 : 0
}

/** More than that is broken, not unsteady. */
const MAX_UNSTEADY_FILES = 2

/**
 * Runs the files with a failure once more, by themselves, when they are few: that tells a test that is broken from one
 * that is unsteady. The latter is named, and does not keep all else from landing.
 */
async function secondLook(first) {
  const files = first.tally.failedFiles
  const isDue = first.code !== 0 && files?.length > 0 && files.length <= MAX_UNSTEADY_FILES
  if (!isDue) return { ...first, unsteady: [] }
  console.log(`\nOnce more, by themselves: ${files.join(', ')}`)
  const again = await vitest(files, { capture: false })
  heading('a second look', again.code === 0, again.seconds)
  const stillFailed = again.tally.failedFiles ?? files
  return {
    code: again.code,
    tally: {
      ...first.tally,
      passed: first.tally.passed + first.tally.failed - again.tally.failed,
      failed: again.tally.failed,
    },
    unsteady: files.filter((file) => !stillFailed.includes(file)),
  }
}

/** One benchmark of the folder `bench`; without a name, what there is. */
async function bench(args) {
  const folder = join(root, 'bench')
  const files = existsSync(folder) ? readdirSync(folder) : []
  const names = files.filter((file) => /^[^.]+\.ts$/.test(file)).map((file) => file.slice(0, -3))
  const wanted = args.find((arg) => !arg.startsWith('-'))
  if (wanted !== undefined && names.includes(wanted)) {
    return runSource(
      `bench/${wanted}.ts`,
      args.filter((arg) => arg !== wanted),
    )
  }
  if (wanted !== undefined) console.error(`There is no benchmark called ${wanted}.`)
  console.log(names.length > 0 ? 'npm run bench -- NAME [--json]' : 'There are no benchmarks yet.')
  const width = Math.max(0, ...names.map((each) => each.length))
  for (const each of names) {
    console.log(`  ${each.padEnd(width)}  ${firstComment(join(folder, `${each}.ts`))}`)
  }
  return wanted === undefined ? 0 : 2
}

/** Pictures of the dashboard's pages, for the documents; with names, only those. */
async function shots(args) {
  await ensureServices()
  await ensureDashboard(root, node)
  return runSource('tools/shots.ts', args)
}

const STATIC_STEPS = [
  {
    title: 'format and lint',
    args: [
      'node_modules/@biomejs/biome/bin/biome',
      inCi ? 'ci' : 'check',
      ...(colors ? ['--colors=force'] : []),
    ],
  },
  typesStep('types', 'tsconfig.json'),
  typesStep('dashboard types', 'packages/dashboard/tsconfig.json'),
]

/** Node's programs and the browser's see other globals, so each has a check of its own. */
function typesStep(title, project) {
  const tsc = ['node_modules/typescript/bin/tsc', '--noEmit', '-p', project]
  return { title, args: colors ? [...tsc, '--pretty'] : tsc }
}

async function staticStep({ title, args }) {
  const began = performance.now()
  const { code, output } = await run(node, args, { capture: true, cwd: root, env })
  heading(title, code === 0, (performance.now() - began) / 1000)
  if (code !== 0) process.stdout.write(output)
  return code === 0
}

/** Runs vitest. Answers its exit code and the tally that `no-skips.ts` has left. */
async function vitest(args, { capture }) {
  const began = performance.now()
  const tallyFile = join(root, '.tools', `tally-${process.pid}.json`)
  mkdirSync(dirname(tallyFile), { recursive: true })
  const { code, output } = await run(
    node,
    [
      leashOption,
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=default',
      '--reporter=./tools/no-skips.ts',
      ...args,
    ],
    {
      capture,
      cwd: root,
      leashed: true,
      wholeGroup: true,
      env: {
        ...env,
        UPDRAFT_TALLY: tallyFile,
        ...(colors ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }),
      },
    },
  )
  const seconds = (performance.now() - began) / 1000
  const tally = existsSync(tallyFile)
    ? JSON.parse(readFileSync(tallyFile, 'utf8'))
    : { passed: 0, failed: 1, failedFiles: null, skipped: [] }
  rmSync(tallyFile, { force: true })
  return { code, output, seconds, tally }
}

async function runSource(file, args) {
  const options = { leashed: true, env }
  return (await run(node, [leashOption, join(root, file), ...args], options)).code
}

function heading(title, isGood, seconds, remark = '') {
  console.log(
    `${isGood ? '✓' : '✗'} ${title.padEnd(16)} ${seconds.toFixed(1).padStart(5)} s  ${remark}`.trimEnd(),
  )
}

function stopCode() {
  return stopSignal() ? codeOfSignal(stopSignal()) : undefined
}

function firstComment(file) {
  const comment = /^\s*(?:\/\/|\/\*\*?)\s*(.*)/m.exec(readFileSync(file, 'utf8'))
  return comment?.[1]?.replace(/\*\/$/, '').trim() ?? ''
}

passSignalsOn()
try {
  process.exitCode = await main()
} catch (error) {
  console.error(error.message)
  process.exitCode ||= 1
}
