import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { BOX_SETTINGS, boxHelpText, readBoxCommand } from './settings.ts'

const settings = (argv: string[], env: Record<string, string> = {}) => {
  const command = readBoxCommand(argv, env)
  if (command.kind !== 'run') throw new Error(`it is ${command.kind}`)
  return command.settings
}

test('a box starts with nothing said at all: the page is where it is told', () => {
  expect(settings([])).toMatchObject({
    server: null,
    homeHost: '0.0.0.0',
    homePort: 8069,
    kind: 'auto',
    boot: 'auto',
    stateFolder: 'updraft-box',
  })
})

test('flags win over the environment', () => {
  const env = { UPDRAFT_BOX_HOME_PORT: '1', UPDRAFT_BOX_CODE_PATHS: 'a, b' }
  expect(settings(['--home-port', '2'], env)).toMatchObject({ homePort: 2, codePaths: ['a', 'b'] })
})

test.each([
  [
    ['--server', 'ftp://x', '--token', 't'],
    '--server takes a URL of http or https, not "ftp://x".',
  ],
  [['--server', 'http://x'], 'With --server a token is needed'],
  [['--home-port', '70000'], '--home-port takes a port, not "70000".'],
  [['--pin', '12'], '--pin takes 4 to 32 signs'],
  [['--boot', 'floppy'], '--boot takes auto or simulator'],
  [['--kind', 'round'], '--kind takes auto or physical or virtual'],
  [['import'], 'box import takes the file to read'],
  [['--sever', 'x'], "Unknown option '--sever'"],
])('%j is refused: %s', (argv, why) => {
  expect(() => readBoxCommand(argv, {})).toThrow(why)
})

test.each([
  [['--help'], 'help'],
  [['export', '--help'], 'help'],
  [['--version'], 'version'],
  [['export', '--with-secrets'], 'export'],
  [['import', 'file.json'], 'import'],
  [['new-pin', '--state', 'x'], 'new-pin'],
])('%j is %s', (argv, kind) => {
  expect(readBoxCommand(argv, {}).kind).toBe(kind)
})

describe('every setting is told of', () => {
  const manual = readFileSync(new URL('../../../../docs/box.md', import.meta.url), 'utf8')
  test.each(BOX_SETTINGS.map(({ flag, env, fallback }) => [flag, env, fallback]))(
    '--%s, %s',
    (flag, env, fallback) => {
      const row = manual
        .split('\n')
        .find((line) => line.startsWith(`| \`--${flag}\` | \`${env}\` |`))
      expect(row, 'no row in docs/box.md').toBeDefined()
      expect(row).toContain(fallback?.replaceAll('|', '\\|'))
      expect(boxHelpText()).toContain(`--${flag}`)
    },
  )
})
