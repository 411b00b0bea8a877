// A vitest reporter that leaves a tally for tools/run.mjs: how many tests passed and failed, and each
// skipped one by name, with the files that hold a failure. A test that could not run because a hook failed has failed, not been skipped.

import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node'

export type Tally = {
  readonly passed: number
  readonly failed: number
  /** Null when something failed that belongs to no file. */
  readonly failedFiles: readonly string[] | null
  readonly skipped: readonly { readonly name: string; readonly note?: string }[]
}

export default class NoSkips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const path = process.env.UPDRAFT_TALLY
    if (path) writeFileSync(path, JSON.stringify(tally(modules, unhandled.length)))
  }
}

function tally(modules: readonly TestModule[], unhandled: number): Tally {
  const skipped: { name: string; note?: string }[] = []
  const failedFiles: string[] = []
  let passed = 0
  let failed = unhandled
  for (const module of modules) {
    let failedHere = 0
    for (const test of module.children.allTests()) {
      const result = test.result()
      if (result.state === 'passed') passed++
      else if (result.state === 'skipped' && !isUnderError(test)) {
        const note = result.note
        skipped.push({ name: nameOf(module, test), ...(note ? { note } : {}) })
      } else failedHere++
    }
    failed += failedHere === 0 && !module.ok() ? 1 : failedHere
    if (!module.ok()) failedFiles.push(fileOf(module))
  }
  return { passed, failed, failedFiles: unhandled > 0 ? null : failedFiles, skipped }
}

function isUnderError(test: TestCase): boolean {
  for (let parent = test.parent; ; ) {
    if (parent.errors().length > 0) return true
    if (parent.type === 'module') return false
    parent = parent.parent
  }
}

const fileOf = (module: TestModule): string => relative(process.cwd(), module.moduleId)

function nameOf(module: TestModule, test: TestCase): string {
  return `${fileOf(module)} > ${test.fullName}`
}
