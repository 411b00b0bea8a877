import { describe, expect, test } from 'vitest'
import {
  boxTokens,
  checkedBoxServer,
  checkedHandlers,
  HANDLER_LIMITS,
  type HandlerEntry,
  hostOf,
  isForPlatform,
} from './box.ts'
import { refusal } from './refusal.test-helper.ts'

const file = (path: string, more: Partial<HandlerEntry> = {}): HandlerEntry => ({
  path,
  sizeBytes: 10,
  isEncrypted: false,
  fileType: 0o100000,
  ...more,
})

describe('an archive', () => {
  test('is sent in the order of its paths, without folders', () => {
    const entries = ['interfaces/b.py', 'drivers/', 'drivers/z.py', 'lib/a/x.so', 'drivers/B.py']
    expect(checkedHandlers(entries.map((path) => file(path))).map(({ path }) => path)).toEqual([
      'drivers/B.py',
      'drivers/z.py',
      'interfaces/b.py',
      'lib/a/x.so',
    ])
  })

  const ok = file('drivers/ok.py')
  test.each<[string, HandlerEntry[], string]>([
    ['a path that leaves it', [ok, file('drivers/../../etc/x')], 'does not stay'],
    ['a path from the root', [ok, file('/drivers/x.py')], 'does not stay'],
    ['a drive of Windows', [ok, file('C:/drivers/x.py')], 'does not stay'],
    ['a backslash', [ok, file('drivers\\..\\x.py')], 'does not stay'],
    ['NUL', [ok, file('drivers/a\0.py')], 'does not stay'],
    ['an empty name', [ok, file('drivers//x.py')], 'does not stay'],
    ['a dot', [ok, file('drivers/./x.py')], 'does not stay'],
    ['a symbolic link', [ok, file('drivers/x', { fileType: 0o120000 })], 'symbolic link'],
    ['a device file', [ok, file('drivers/x', { fileType: 0o060000 })], 'no plain file'],
    ['an encrypted file', [ok, file('drivers/x', { isEncrypted: true })], 'encrypted'],
    ['another folder', [ok, file('tools/x.py')], 'outside of drivers/, interfaces/, lib/'],
    ['a folder around all', [file('iot_handlers/drivers/x.py')], 'outside of'],
    ['a file at its top', [ok, file('setup.py')], 'outside of'],
    ['a file called drivers', [ok, file('drivers')], 'outside of'],
    ['one path twice', [ok, file('drivers/OK.py')], 'twice'],
    ['nothing', [], 'no file in drivers/'],
    ['folders only', [file('drivers/')], 'no file in drivers/'],
    ['libraries only', [file('lib/x.py')], 'no file in drivers/'],
    [
      'more than fits',
      [ok, file('lib/x', { sizeBytes: HANDLER_LIMITS.unpackedBytes })],
      'more than',
    ],
    ['a long path', [ok, file(`drivers/${'x'.repeat(300)}`)], 'too long'],
    [
      'too many files',
      Array.from({ length: HANDLER_LIMITS.entries + 1 }, (_, at) => file(`drivers/${at}.py`)),
      'more than',
    ],
  ])('with %s is refused', (_what, entries, why) => {
    expect(refusal(() => checkedHandlers(entries))).toBe('handlers.invalid')
    expect(() => checkedHandlers(entries)).toThrow(why)
  })
})

test.each([
  ['drivers/Scale.py', true, true],
  ['drivers/Scale_L.py', true, false],
  ['drivers/Scale_W.py', false, true],
  ['drivers/deep/ScaleW.py', false, true],
  ['interfaces/__init__.py', true, true],
  ['lib/Scale_W.dll', true, true],
])('%s is for Linux: %s, for Windows: %s', (path, linux, windows) => {
  expect([isForPlatform(path, 'L'), isForPlatform(path, 'W')]).toEqual([linux, windows])
})

describe('where boxes reach the server', () => {
  test.each([
    ['https://Boxes.example/', '17.0', 'https://boxes.example', '17.0', 'boxes.example'],
    ['http://192.0.2.7:8080', 'saas-18.3', 'http://192.0.2.7:8080', 'saas~18.3', '192.0.2.7:8080'],
    ['https://boxes.example:443', 'master', 'https://boxes.example', 'master', 'boxes.example'],
  ])('%s and %s', (url, series, origin, kept, host) => {
    const server = checkedBoxServer({ url, series })
    expect(server).toEqual({ url: origin, series: kept })
    expect(hostOf(server)).toBe(host)
  })

  test.each([
    ['boxes.example', '17.0'],
    ['ftp://boxes.example', '17.0'],
    ['https://boxes.example/here', '17.0'],
    ['https://boxes.example?a=b', '17.0'],
    ['https://me:secret@boxes.example', '17.0'],
    ['http://localhost:8080', '17.0'],
    ['https://boxes.example', '17'],
    ['https://boxes.example', 'v17.0'],
    ['https://boxes.example', '17.0; rm'],
  ])('is neither %s nor %s', (url, series) => {
    expect(refusal(() => checkedBoxServer({ url, series }))).toBe('box.invalid')
  })

  test('is pasted with pipes, or as a URL', () => {
    const server = { url: 'https://boxes.example' }
    expect(boxTokens(server, { tenantId: 't', key: 'a key&c' })).toEqual({
      pipes: 'https://boxes.example|a key&c|t|none',
      url: 'https://boxes.example/?token=a+key%26c&db_uuid=t&enterprise_code=none',
    })
    expect(boxTokens(server, { tenantId: 't', key: 'a|b' }).pipes).toBeNull()
  })
})
