import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile, compilePolicy } from '@updraft/core/expression'
import { describe, expect, test } from 'vitest'
import { anchorsOf, faultsOf, type Repository } from './docs.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const isThere = (file: string) => existsSync(join(root, file))

const roots = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'].filter(isThere)
const documents = [...roots, ...globSync('docs/**/*.md', { cwd: root })].sort()

/** Files under version control and new ones beside them; without git, all but what is not ours. */
function allFiles(): string[] {
  try {
    const args = ['ls-files', '--cached', '--others', '--exclude-standard']
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' })
      .split('\n')
      .filter((file) => file !== '' && isThere(file))
  } catch {
    const exclude = (name: string) => ['node_modules', '.git', '.tools', 'data'].includes(name)
    return globSync(['**/*', '.*', '.*/**'], { cwd: root, exclude })
  }
}

describe('the documents', () => {
  const repository: Repository = {
    files: new Set(allFiles()),
    scripts: new Set(Object.keys(JSON.parse(read('package.json')).scripts)),
    read,
  }

  test.for(documents)('%s names only what is there', (file) => {
    expect(faultsOf(file, read(file), repository).join('\n')).toBe('')
  })

  test('give examples of expressions that can be used', () => {
    const examples = [...read('docs/expressions.md').matchAll(/^```cel\n(.*?)^```/gms)].flatMap(
      ([, block = '']) => block.trim().split('\n'),
    )
    expect(examples.length).toBeGreaterThan(10)
    for (const example of examples) expect(() => compile(example), example).not.toThrow()
  })

  test('give examples of policies that can be used', () => {
    const release = { id: 'r', type: 'firmware', title: 'F', version: '2.0.0', description: null }
    const examples = [...read('docs/policies.md').matchAll(/^```cel\n(.*?)^```/gms)].flatMap(
      ([, block = '']) => block.trim().split('\n'),
    )
    expect(examples.length).toBeGreaterThan(5)
    for (const example of examples) {
      expect(() => compilePolicy(example, release), example).not.toThrow()
    }
  })

  test('tell of every setting', async () => {
    const config = 'packages/server/src/config.ts'
    const manual = 'docs/operating.md'
    if (!isThere(config) || !isThere(manual)) return
    const { SETTINGS } = await import(join(root, config))
    const text = read(manual)
    const settings = SETTINGS as Record<string, { flag: string | null; env: readonly string[] }>
    const names = Object.values(settings).flatMap(({ flag, env }) => [
      ...(flag === null ? [] : [`--${flag}`]),
      ...env,
    ])
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !text.includes(name))).toEqual([])
  })
})

describe('the reader of documents', () => {
  const repository: Repository = {
    files: new Set([
      'README.md',
      'docs/operating.md',
      'docs/dialects/x.md',
      'packages/core/src/update/choose.ts',
      'packages/server/src/app/pacer.ts',
      'tools/run.mjs',
    ]),
    scripts: new Set(['start', 'check']),
    read: () => '# Settings & flags\n\n## Back up\n',
  }
  const faults = (text: string, file = 'README.md') => faultsOf(file, text, repository)

  test.each([
    '`packages/core/src/update/choose.ts` `core/update/choose.ts` `choose.ts` `choose.ts:12`',
    '`app/pacer.ts` `packages/core/` `packages/*/src/**/*.ts` `packages/{core,server}/src` `docs`',
    '[a](docs/operating.md) [b](docs/operating.md#settings--flags) [c](#back-up) [d](https://x.example/y)',
    '`/api/events` `application/json` `v1/devices/me/telemetry` `@updraft/core` `DATA/endpoints.json`',
    '`npm start` `npm run check` `npm ci` `npm run NAME` npm does more',
    '```\ngone/away.ts\n```\n`tools/run.mjs start`',
  ])('finds no fault with %s', (text) => {
    expect(faults(text)).toEqual([])
  })

  test.each([
    ['`tools/gone.mjs`', 'README.md:1 names tools/gone.mjs, which is not there'],
    ['\n`docs/gone`', 'README.md:2 names docs/gone, which is not there'],
    ['`core/update/gone.ts`', 'README.md:1 names core/update/gone.ts, which is not there'],
    ['`gone.ts`', 'README.md:1 names gone.ts, which is not there'],
    ['`tools/{run,gone}.mjs`', 'README.md:1 names tools/{run,gone}.mjs, which is not there'],
    ['`tools/*.sql`', 'README.md:1 names tools/*.sql, which is not there'],
    ['[a](docs/gone.md)', 'README.md:1 links to docs/gone.md, which is not there'],
    ['[a](#gone)', 'README.md:1 links to #gone, but README.md has no such heading'],
    ['```\nnpm run gone\n```', 'README.md:2 names the script gone, which package.json has not'],
    ['`npm test`', 'README.md:1 names the script test, which package.json has not'],
  ])('finds fault with %s', (text, fault) => {
    expect(faults(text)).toEqual([fault])
  })

  test('leaves the files of other houses alone in the notes on dialects', () => {
    const text = '`addons/hw_drivers/main.ts` and [ours](../operating.md) and `tools/gone.mjs`'
    expect(faults(text, 'docs/dialects/x.md')).toEqual([
      'docs/dialects/x.md:1 names tools/gone.mjs, which is not there',
    ])
  })

  test('numbers headings of the same name', () => {
    expect([...anchorsOf('# A `b`\n## A b\n```\n# no\n```\n<a id="own"></a>')]).toEqual([
      'own',
      'a-b',
      'a-b-1',
    ])
  })
})
