import { describe, expect, test } from 'vitest'
import { DomainError } from './errors.ts'
import { quickestMs } from './quickest.test-helper.ts'
import { parseRequirement, satisfies } from './requirement.ts'

const meets = (version: string, requirement: string) =>
  satisfies(version, parseRequirement(requirement))

/** The mistake in that text: its column and the sentence. */
function mistakeIn(text: string): { column: unknown; message: string } {
  try {
    parseRequirement(text)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    expect(error.code).toBe('version.invalid-requirement')
    return { column: error.details.column, message: error.message }
  }
  throw new Error(`"${text}" was read without complaint`)
}

describe('a requirement holds or not', () => {
  test.each([
    // The table of docs/dialects/edgehog.md, "Version requirement".
    ['~> 2.0', '2.1.0', true],
    ['~> 2.0', '3.0.0', false],
    ['~> 2.0', '3.0.0-rc.1', false],
    ['~> 2.0.0', '2.1.0', false],
    ['~> 2.1.2', '2.1.6-dev', true],
    ['~> 2.0 and >= 2.1.3', '2.1.2', false],
    ['~> 2.0 and >= 2.1.3', '2.4.0', true],
    ['< 1.0.0 or >= 2.0.0 and < 3.0.0', '2.5.0', true],
    ['< 1.0.0 or >= 2.0.0 and < 3.0.0', '1.5.0', false],
    ['2.0.0', '2.0.0+b1', true],
    ['>=2.0.0', '2.0.0', true],
    // Every operator below, at and above its operand.
    ['== 2.0.0', '1.9.9', false],
    ['== 2.0.0', '2.0.0', true],
    ['== 2.0.0', '2.0.1', false],
    ['!= 2.0.0', '1.9.9', true],
    ['!= 2.0.0', '2.0.0', false],
    ['!= 2.0.0', '2.0.1', true],
    ['! 2.0.0', '2.0.0', false],
    ['!2.0.0', '2.0.1', true],
    ['> 2.0.0', '1.9.9', false],
    ['> 2.0.0', '2.0.0', false],
    ['> 2.0.0', '2.0.1', true],
    ['>= 2.0.0', '1.9.9', false],
    ['>= 2.0.0', '2.0.1', true],
    ['< 2.0.0', '1.9.9', true],
    ['< 2.0.0', '2.0.0', false],
    ['< 2.0.0', '2.0.1', false],
    ['<= 2.0.0', '1.9.9', true],
    ['<= 2.0.0', '2.0.0', true],
    ['<= 2.0.0', '2.0.1', false],
    ['2.0.0', '2.0.1', false],
    // ~> with three parts keeps the minor, with two the major; the operand itself is the least.
    ['~> 2.1.3', '2.1.2', false],
    ['~> 2.1.3', '2.1.3', true],
    ['~> 2.1.3', '2.1.99', true],
    ['~> 2.1.3', '2.2.0', false],
    ['~> 2.1.3', '2.2.0-0', false],
    ['~> 2.1.3', '2.2.0-dev', false],
    ['~> 2.1.3-rc.1', '2.1.3-rc.0', false],
    ['~> 2.1.3-rc.1', '2.1.3-rc.2', true],
    ['~> 2.1', '2.0.9', false],
    ['~> 2.1', '2.1.0-rc.1', false],
    ['~> 2.1', '2.1.0', true],
    ['~> 2.1', '2.99.0', true],
    ['~> 2.1', '3.0.0-0', false],
    ['~> 2.1-dev', '2.1.0-dev', true],
    ['~> 2.1-dev', '2.1.0-abc', false],
    ['~> 2.1-dev', '2.9.0', true],
    ['~> 2.1-dev', '3.0.0', false],
    ['~>2.1+b7', '2.1.0', true],
    // Pre-releases take part in every comparison.
    ['>= 2.1.0', '2.2.0-dev', true],
    ['>= 2.1.0', '2.1.0-dev', false],
    ['< 2.1.0', '2.1.0-dev', true],
    ['2.1.0-dev', '2.1.0', false],
    // `and` binds tighter than `or`, on either side.
    ['1.0.0 or 2.0.0 and 3.0.0', '1.0.0', true],
    ['1.0.0 and 2.0.0 or 3.0.0', '3.0.0', true],
    ['1.0.0 and 2.0.0 or 3.0.0', '1.0.0', false],
    ['1.0.0 or 2.0.0 or 3.0.0', '3.0.0', true],
    ['>= 1.0.0 and != 1.5.0 and < 2.0.0', '1.5.0', false],
    ['>= 1.0.0 and != 1.5.0 and < 2.0.0', '1.6.0', true],
    // Blanks are free everywhere but around the words.
    ['  >=  2.0.0   and  <  3.0.0  ', '2.5.0', true],
    ['>=2.0.0 and <3.0.0', '3.0.0', false],
  ])('%s, %s: %s', (requirement, version, holds) => {
    expect(meets(version, requirement)).toBe(holds)
  })

  test.each(['v0', '13', '2.0', '', '2024-05 beta'])(
    'what is no version satisfies none: "%s"',
    (version) => {
      expect(meets(version, '>= 0.0.0 or < 1.0.0')).toBe(false)
      expect(meets(version, '!= 1.0.0')).toBe(false)
    },
  )
})

describe('a requirement that cannot be read names the column', () => {
  test.each([
    ['', 1, 'a version is missing'],
    ['   ', 4, 'a version is missing'],
    ['>=', 3, 'a version is missing'],
    ['1.0.0 and ', 11, 'a version is missing'],
    ['1.0.0 or', 9, 'a version is missing'],
    ['>= 2.0', 4, '"2.0" is not a version like 1.2.3'],
    ['2', 1, '"2" is not a version like 1.2.3'],
    ['v1.0.0', 1, '"v1.0.0" is not a version'],
    ['>= 01.0.0', 4, '"01.0.0" is not a version'],
    ['~> 2', 4, '"2" is not a version like 1.2 or 1.2.3'],
    ['~> 2.', 4, '"2." is not a version'],
    ['~> 02.1', 4, '"02.1" is not a version'],
    ['~> 2.1.x', 4, '"2.1.x" is not a version'],
    ['~> 2.1-', 4, '"2.1-" is not a version'],
    ['== == 2.0.1', 4, '"==" is not expected'],
    ['>= > 2.0.1', 4, '">" is not expected'],
    ['===1.0.0', 3, '"=" is not expected'],
    ['= 1.0.0', 1, '"=" is not expected'],
    ['=> 1.0.0', 1, '"=" is not expected'],
    ['~ 1.0.0', 1, '"~" is not expected'],
    ['^1.0.0', 1, '"^1.0.0" is not a version'],
    ['1.0.0 2.0.0', 7, '"and" or "or" is expected, not "2.0.0"'],
    ['1.0.0 >= 2.0.0', 7, '"and" or "or" is expected, not ">="'],
    ['1.0.0>=2.0.0', 6, '"and" or "or" is expected, not ">="'],
    ['1.0.0 AND 2.0.0', 7, '"and" or "or" is expected, not "AND"'],
    ['1.0.0 && 2.0.0', 7, '"and" or "or" is expected, not "&&"'],
    ['1.0.0, 2.0.0', 1, '"1.0.0," is not a version'],
    ['and 1.0.0', 1, '"and" is not a version'],
    ['1.0.0 and or 2.0.0', 11, '"or" is not a version'],
    ['1.0.0and 2.0.0', 1, '"1.0.0and" is not a version'],
    ['1.0.0 and2.0.0', 7, '"and" or "or" is expected, not "and2.0.0"'],
    ['1.0.0 and>= 2.0.0', 7, 'a blank is missing after "and"'],
    ['1.0.0 or!2.0.0', 7, 'a blank is missing after "or"'],
    ['(1.0.0)', 1, '"(1.0.0)" is not a version'],
    ['1.0.0\tand 2.0.0', 1, 'is not a version'],
    ['\n1.0.0', 1, 'is not a version'],
    ['~> 2.1\n', 4, 'is not a version'],
    ['constructor 2.0.0', 1, '"constructor" is not a version'],
    ['>= toString', 4, '"toString" is not a version'],
    ['1.0.0 and valueOf', 11, '"valueOf" is not a version'],
  ])('"%s": column %i', (text, column, what) => {
    expect(mistakeIn(text)).toEqual({ column, message: expect.stringContaining(what) })
    expect(mistakeIn(text).message).toContain(`(column ${column})`)
  })

  test.each([
    ['blanks', (count: number) => ' '.repeat(count)],
    ['digits', (count: number) => '1'.repeat(count)],
    ['dots', (count: number) => `~> 1${'.1'.repeat(count / 2)}`],
    ['operators', (count: number) => '>'.repeat(count)],
    ['dashes', (count: number) => `~> 1.1${'-'.repeat(count)}+`],
  ])('%s without end take no more than their length', (_, text) => {
    const [few, many] = [text(1000), text(100_000)]
    const fewMs = quickestMs(() => {
      for (let time = 0; time < 100; time += 1) mistakeIn(few)
    })
    const manyMs = quickestMs(() => mistakeIn(many))
    // As long altogether; with the square of the length it would take a hundred times as long.
    expect(manyMs / fewMs).toBeLessThan(20)
  })
})
