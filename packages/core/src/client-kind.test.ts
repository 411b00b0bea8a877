import { describe, expect, test } from 'vitest'
import {
  CLIENT_KINDS,
  changedHawkbit,
  chunked,
  clientByHeaders,
  clientKindOf,
  clientRefusal,
  STANDARD_HAWKBIT,
} from './client-kind.ts'
import { refusal } from './refusal.test-helper.ts'

const release = (fileName: string | null, title = 'rootfs') => ({
  title,
  version: '2.0.0',
  artifact:
    fileName === null
      ? null
      : { sha256: 'a'.repeat(64), sizeBytes: 1, fileName, contentType: 'application/octet-stream' },
})

test.each([
  ['rauc-hawkbit-c-agent/1.0', 'rauc', '1.0'],
  ['libcurl-agent/1.0', 'swupdate', '1.0'],
  ['Zephyr', 'zephyr', null],
  ['zephyr-hawkbit/3.6.0', 'zephyr', '3.6.0'],
  ['okhttp/4.9', 'ddi', '4.9'],
  ['', 'ddi', null],
])('User-Agent %s is taken for %s', (userAgent, kind, version) => {
  const accept = 'application/json'
  expect(clientByHeaders({ userAgent, accept })).toEqual({ kind, version })
  expect(clientByHeaders({ userAgent, accept: undefined })).toEqual({ kind, version })
})

test.each([
  [undefined, 'zephyr'],
  ['application/cbor', 'zephyr'],
  ['application/json', 'ddi'],
  ['*/*', 'ddi'],
])('without a User-Agent, who accepts %s is taken for %s', (accept, kind) => {
  expect(clientByHeaders({ userAgent: undefined, accept })).toEqual({ kind, version: null })
})

describe('the kind of a device', () => {
  test('is what its profile says, else what it told, else nothing', () => {
    const inventory = { hawkbit: { client: 'rauc' } }
    expect(clientKindOf({ client: 'swupdate' }, inventory)).toBe('swupdate')
    expect(clientKindOf({ client: null }, inventory)).toBe('rauc')
    expect(clientKindOf(null, inventory)).toBe('rauc')
    expect(clientKindOf(null, {})).toBeNull()
    expect(clientKindOf(null, { hawkbit: 'rauc' })).toBeNull()
    expect(clientKindOf(null, { hawkbit: { client: 'other' } })).toBeNull()
  })
})

test.each([
  ['swupdate', ['a.swu', 'b.swu'], [['a.swu'], ['b.swu']]],
  ['swupdate', ['a.zck', 'b.swu', 'c.swu', 'd.zck'], [['a.zck', 'd.zck', 'b.swu'], ['c.swu']]],
  ['swupdate', ['a.zck'], [['a.zck']]],
  ['ddi', ['a.zck', 'b.bin'], [['a.zck'], ['b.bin']]],
  ['rauc', [], []],
] as const)('%s reads %j as the chunks %j', (kind, files, chunks) => {
  const parts = files.map((file) => ({ release: release(file) }))
  const named = chunked(kind, parts).map((chunk) =>
    chunk.map((one) => one.release.artifact?.fileName),
  )
  expect(named).toEqual(chunks)
})

describe('what a client cannot take', () => {
  test.each([
    ['rauc', ['a.raucb', 'b.raucb'], 'rauc-hawkbit-updater takes one release at a time, not 2.'],
    ['zephyr', ['a.bin', 'b.bin'], "Zephyr's hawkBit client takes one release at a time, not 2."],
    ['ddi', ['a.bin', 'b.bin'], 'A hawkBit client takes one release at a time, not 2.'],
    ['swupdate', ['a.raucb'], 'SWUpdate takes files that end in .swu or .zck, not a.raucb.'],
    ['swupdate', ['a.swu', 'b.bin'], 'SWUpdate takes files that end in .swu or .zck, not b.bin.'],
    [
      'swupdate',
      ['a.zck'],
      'SWUpdate needs a file that ends in .swu; there is none in rootfs@2.0.0.',
    ],
    [
      'rauc',
      [null],
      'rootfs@2.0.0 has no file here, of which rauc-hawkbit-updater must be told a SHA-1.',
    ],
  ] as const)('%s: %j', (kind, files, why) => {
    expect(
      clientRefusal(
        kind,
        files.map((file) => release(file)),
      ),
    ).toBe(why)
  })

  test.each([
    ['rauc', ['a.raucb']],
    ['swupdate', ['a.swu', 'b.swu', 'base.zck']],
    ['zephyr', ['zephyr.signed.bin']],
    ['ddi', ['anything']],
    ['swupdate', []],
  ] as const)('%s takes %j', (kind, files) => {
    expect(
      clientRefusal(
        kind,
        files.map((file) => release(file)),
      ),
    ).toBeNull()
  })

  test('another client takes several where its profile says so', () => {
    const settings = { ...STANDARD_HAWKBIT, severalChunks: true }
    const two = [release('a'), release('b')]
    expect(clientRefusal('ddi', two, { settings })).toBeNull()
    expect(clientRefusal('rauc', two, { settings })).not.toBeNull()
  })

  test("the path of a download is longer than what Zephyr's client holds", () => {
    const basePath = `/DEFAULT/controller/v1/${'d'.repeat(128)}`
    expect(clientRefusal('zephyr', [release('zephyr.signed.bin')], { basePath })).toContain(
      'takes a path of 199 characters',
    )
    expect(clientRefusal('rauc', [release('zephyr.signed.bin')], { basePath })).toBeNull()
  })
})

describe('settings', () => {
  test('a change leaves the rest as it was; authorities are compared in lower case', () => {
    const changed = changedHawkbit(STANDARD_HAWKBIT, { client: 'rauc', authorities: ['AB', 'ab'] })
    expect(changed).toEqual({ ...STANDARD_HAWKBIT, client: 'rauc', authorities: ['ab'] })
  })

  test.each([
    { pollSeconds: 0 },
    { pollSeconds: 86_400 },
    { pollSeconds: 1.5 },
    { versionAttribute: '' },
    { versionAttribute: 'x'.repeat(129) },
    { versionType: 'No Type' },
    { confirmedBy: 'version-attribute' as const },
    { authorities: [''] },
    { authorities: Array.from({ length: 21 }, (_, index) => `a${index}`) },
  ])('%j is refused', (change) => {
    expect(refusal(() => changedHawkbit(STANDARD_HAWKBIT, change))).toBe('settings.invalid')
  })

  test.each(CLIENT_KINDS)('somebody at the device is asked only where %s can', (client) => {
    const change = () => changedHawkbit(STANDARD_HAWKBIT, { client, needsConfirmation: true })
    if (client === 'ddi') expect(change().needsConfirmation).toBe(true)
    else expect(refusal(change)).toBe('settings.invalid')
  })
})
