import { describe, expect, test } from 'vitest'
import { refusal } from './refusal.test-helper.ts'
import {
  COMPONENT_TYPE_PATTERN,
  checksumAlgorithm,
  createRelease,
  isInstalled,
  nameOf,
  type ReleaseDraft,
  requirementOf,
} from './release.ts'

const NOW = new Date('2026-03-01T10:00:00Z')
const SHA256 = 'ab'.repeat(32)

const draft: ReleaseDraft = {
  profileId: 'gateway',
  title: 'F',
  version: '1.0.0',
  type: 'firmware',
  checksumAlgorithm: 'SHA256',
  checksum: SHA256,
  artifact: {
    sha256: SHA256,
    sizeBytes: 10_000,
    fileName: 'f.bin',
    contentType: 'application/octet-stream',
  },
}

const elsewhere: ReleaseDraft = {
  profileId: 'gateway',
  title: 'F',
  version: '1.0.0',
  type: 'firmware',
  externalUrl: 'https://files.example/f.bin',
}

const created = (changes: Partial<ReleaseDraft>, base = draft) =>
  createRelease({ ...base, ...changes }, 'r1', NOW)

describe('a new release', () => {
  test('of a file has the size of the file, and nothing that was not said', () => {
    expect(created({ sizeBytes: 5 })).toEqual({
      id: 'r1',
      profileId: 'gateway',
      title: 'F',
      version: '1.0.0',
      type: 'firmware',
      tag: null,
      description: null,
      checksumAlgorithm: 'SHA256',
      checksum: SHA256,
      sizeBytes: 10_000,
      artifact: draft.artifact,
      externalUrl: null,
      requirement: null,
      needs: {},
      createdAt: NOW,
    })
  })

  test('of a URL has the size and the checksum the operator told, if any', () => {
    expect(created({}, elsewhere)).toMatchObject({
      externalUrl: 'https://files.example/f.bin',
      artifact: null,
      sizeBytes: null,
      checksum: null,
    })
    const told = { sizeBytes: 12, checksumAlgorithm: 'CRC32', checksum: '2639F4CB' } as const
    expect(created(told, elsewhere)).toMatchObject({ ...told, checksum: '2639f4cb' })
  })

  test('holds its texts trimmed, and blank ones not at all', () => {
    expect(
      created({
        title: '  F ',
        version: ' v0 ',
        tag: ' ',
        description: ' a\nb ',
        requirement: ' ',
      }),
    ).toMatchObject({
      title: 'F',
      version: 'v0',
      tag: null,
      description: 'a\nb',
      requirement: null,
    })
  })

  const refused: [string, Partial<ReleaseDraft>, string][] = [
    ['no title', { title: ' ' }, 'release.invalid'],
    ['no version', { version: '' }, 'release.invalid'],
    ['a title of 256 characters', { title: 'x'.repeat(256) }, 'release.invalid'],
    ['a title of 255 characters', { title: 'x'.repeat(255) }, 'accepted'],
    ['a line break in its title', { title: 'a\nb' }, 'release.invalid'],
    ['a line break in its description', { description: 'a\r\n\tb' }, 'accepted'],
    ['a NUL in its description', { description: 'a\0b' }, 'release.invalid'],
    ['half a surrogate pair in its title', { title: 'a\ud800' }, 'release.invalid'],
    ['an emoji in its title', { title: 'F \u{1f680}' }, 'accepted'],
    ['a version that is no SemVer', { version: '2024-05 beta' }, 'accepted'],
    ['a component type of its own', { type: 'modem.radio-2_b' }, 'accepted'],
    ['a component type in capitals', { type: 'Firmware' }, 'release.invalid'],
    ['a component type of 65 characters', { type: 'x'.repeat(65) }, 'release.invalid'],
    ['a type every object has already', { type: 'constructor' }, 'release.invalid'],
    ['neither file nor URL', { artifact: null }, 'release.no-content'],
    ['both file and URL', { externalUrl: 'https://files.example/f' }, 'release.invalid'],
    ['a checksum without an algorithm', { checksumAlgorithm: null }, 'release.invalid'],
    ['an algorithm without a checksum', { checksum: null }, 'release.invalid'],
    ['a checksum that is no hex', { checksum: 'z'.repeat(64) }, 'release.invalid'],
    ['a checksum of another length', { checksum: 'ab'.repeat(16) }, 'release.invalid'],
    ['an unreadable requirement', { requirement: '>= 2.0' }, 'version.invalid-requirement'],
    ['a requirement', { requirement: '~> 2.0 and >= 2.1.3' }, 'accepted'],
    [
      'a requirement that is a book',
      { requirement: '1.0.0 or '.repeat(200).concat('1.0.0') },
      'release.invalid',
    ],
  ]
  test.each(refused)('with %s', (_, changes, code) => {
    expect(refusal(() => created(changes))).toBe(code)
  })

  test.each([
    ['http://files.example/f', 'accepted'],
    ['HTTPS://files.example/f?a=b', 'accepted'],
    ['coap://10.0.0.1/f', 'accepted'],
    ['coaps://10.0.0.1/f', 'accepted'],
    ['ftp://10.0.0.1/f', 'accepted'],
    ['file:///etc/passwd', 'release.invalid'],
    ['javascript:alert(1)', 'release.invalid'],
    ['files.example/f', 'release.invalid'],
    ['https://', 'release.invalid'],
    ['https://files.example/a b', 'release.invalid'],
    [`https://files.example/${'x'.repeat(2048)}`, 'release.invalid'],
  ])('from %s', (externalUrl, code) => {
    expect(refusal(() => created({ externalUrl }, elsewhere))).toBe(code)
  })

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])(
    'of %d bytes is refused',
    (sizeBytes) => {
      expect(refusal(() => created({ sizeBytes }, elsewhere))).toBe('release.invalid')
    },
  )

  test.each([
    ['MD5', 32],
    ['SHA256', 64],
    ['SHA384', 96],
    ['SHA512', 128],
    ['CRC32', 8],
    ['MURMUR3_32', 8],
    ['MURMUR3_128', 32],
  ] as const)('with %s has %i hex digits', (algorithm, digits) => {
    const of = (length: number) => ({
      checksumAlgorithm: algorithm,
      checksum: '0'.repeat(length),
    })
    expect(refusal(() => created(of(digits)))).toBe('accepted')
    expect(refusal(() => created(of(digits - 1)))).toBe('release.invalid')
    expect(refusal(() => created(of(digits + 1)))).toBe('release.invalid')
  })
})

describe('what is installed', () => {
  const release = { title: 'F', version: '1.0.0' }
  test.each([
    [{ title: 'F', version: '1.0.0' }, true],
    [{ title: 'F', version: '1.0' }, false],
    [{ title: 'F', version: '1.0.0+b1' }, false],
    [{ title: 'f', version: '1.0.0' }, false],
    [{ title: null, version: '1.0.0' }, true],
    [{ title: null, version: '1.0.1' }, false],
    [{ title: null, version: null }, false],
    [{ title: 'F', version: null }, false],
    [undefined, false],
  ])('%o is F@1.0.0: %s', (installed, is) => {
    expect(isInstalled(release, installed)).toBe(is)
  })

  test('a release is named by title and version', () => {
    expect(nameOf(release)).toBe('F@1.0.0')
  })
})

describe('a checksum algorithm', () => {
  test.each([
    ['SHA256', 'SHA256'],
    ['sha256', 'SHA256'],
    ['Murmur3_128', 'MURMUR3_128'],
  ])('is found in any letter case: %s', (name, found) => {
    expect(checksumAlgorithm(name)).toBe(found)
  })
  test.each(['', 'SHA-256', 'SHA1', 'toString'])('"%s" is none of the seven', (name) => {
    expect(refusal(() => checksumAlgorithm(name))).toBe('artifact.unknown-algorithm')
  })
})

test.each([
  ['firmware', true],
  ['a', true],
  ['9a', false],
  ['-a', false],
  ['', false],
  ['a b', false],
  ['a\n', false],
  ['constructor', false],
  ['constructors', true],
])('"%s" names a component type: %s', (name, is) => {
  expect(COMPONENT_TYPE_PATTERN.test(name)).toBe(is)
})

test('a requirement is parsed once, however often it is asked for', () => {
  expect(requirementOf('>= 1.0.0')).toBe(requirementOf('>= 1.0.0'))
})
