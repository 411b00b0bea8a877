import { ApiError } from '@updraft/api/client'
import { createRelease, type DomainError, type ReleaseDraft } from '@updraft/core'
import { expect, test } from 'vitest'
import {
  bodyOf,
  type Draft,
  EMPTY,
  type Field,
  fieldOf,
  isSaid,
  mistakeInNeeds,
  tagOf,
} from './draft.ts'

const draft: Draft = { ...EMPTY, title: ' app ', version: '1.0', profile: 'Sensor' }
const artifact = { sha256: 'a'.repeat(64), sizeBytes: 3, checksums: {} }

test('the tag is title and version until it is edited', () => {
  expect(tagOf(draft)).toBe('app 1.0')
  expect(tagOf({ ...draft, tag: '' })).toBe('')
})

test('a file goes with the checksum the server makes of it', () => {
  const body = bodyOf(draft, { artifact, name: 'app.bin', type: '' })
  expect(body).toMatchObject({ sha256: artifact.sha256, fileName: 'app.bin' })
  expect(body.checksumAlgorithm).toBe('SHA256')
  expect(body.checksum).toBeUndefined()
})

test('of a file elsewhere there is a checksum only if it was given', () => {
  const elsewhere: Draft = { ...draft, source: 'url', url: ' https://files.example/a ' }
  expect(bodyOf(elsewhere, null)).toMatchObject({ url: 'https://files.example/a' })
  expect(bodyOf(elsewhere, null).checksumAlgorithm).toBeUndefined()
  const told = bodyOf({ ...elsewhere, checksum: 'ab', algorithm: 'CRC32' }, null)
  expect(told).toMatchObject({ checksum: 'ab', checksumAlgorithm: 'CRC32' })
})

test('it can be added once all is said that must be', () => {
  expect(isSaid(draft)).toBe(true)
  for (const lacking of ['title', 'version', 'type'] as const) {
    expect(isSaid({ ...draft, [lacking]: ' ' })).toBe(false)
  }
  expect(isSaid({ ...draft, profile: null })).toBe(false)
  expect(isSaid({ ...draft, source: 'url' })).toBe(false)
})

test('what it needs goes along as far as it is filled in, and a mistake in it is told', () => {
  const wanted = [
    { type: ' image ', wanted: ' >= 24.10 ' },
    { type: 'code', wanted: '' },
  ]
  expect(bodyOf({ ...draft, needs: wanted }, null).needs).toEqual({ image: '>= 24.10' })
  expect(bodyOf(draft, null).needs).toBeUndefined()
  expect(mistakeInNeeds({ ...draft, needs: wanted })).toBeNull()
  const mistaken = (type: string, version: string) =>
    mistakeInNeeds({ type: 'handlers', needs: [{ type, wanted: version }] })
  expect(mistaken('An image', '>= 24.10')).toContain('"An image"')
  expect(mistaken('image', 'the newest')).toContain('the newest')
  expect(mistaken('handlers', '>= 1.0')).toContain('requirement')
})

/** What the core refuses, as the server tells it. */
function refusalOf(wrong: Partial<ReleaseDraft>): ApiError {
  const good = { profileId: 'p', title: 'a', version: '1', type: 'firmware' }
  try {
    createRelease({ ...good, externalUrl: 'https://a.example/b', ...wrong }, 'id', new Date())
  } catch (error) {
    const { code, message } = error as DomainError
    const problem = { type: '', title: '', status: 422, code, detail: message }
    return new ApiError(422, problem as ApiError['problem'], '')
  }
  throw new Error('That was not refused.')
}

const LONG = 'a'.repeat(300)

test.each<[Field, Partial<ReleaseDraft>]>([
  ['title', { title: '' }],
  ['title', { title: LONG }],
  ['version', { version: LONG }],
  ['tag', { tag: LONG }],
  ['type', { type: 'Not This' }],
  ['url', { externalUrl: 'nowhere' }],
  ['url', { externalUrl: `https://a.example/${'a'.repeat(3000)}` }],
  ['requirement', { requirement: '>>> 1' }],
  ['requirement', { requirement: LONG.repeat(5) }],
  ['description', { description: 'a'.repeat(70_000) }],
  ['checksum', { checksum: 'zz', checksumAlgorithm: 'MD5' }],
])('a refusal stands beside the %s: %o', (field, wrong) => {
  expect(fieldOf(refusalOf(wrong))).toBe(field)
})

test('what is about no field stands by itself', () => {
  expect(fieldOf(new Error('no line'))).toBeNull()
  expect(fieldOf(new ApiError(503, null, 'The server answered 503.'))).toBeNull()
})
