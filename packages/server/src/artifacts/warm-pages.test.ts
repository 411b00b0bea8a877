import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { trust, warmPages } from './warm-pages.ts'

let nowMs = 0
beforeEach(() => {
  nowMs = 1_000_000
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('pages', () => {
  test('are warm for a minute after they were read', () => {
    const pages = warmPages(1_000_000)
    expect(pages.areWarm(0, 1)).toBe(false)
    pages.wereRead(100_000, 200_000)
    expect(pages.areWarm(100_000, 200_000)).toBe(true)
    expect(pages.areWarm(0, 200_000)).toBe(false)
    nowMs += 59_000
    expect(pages.areWarm(150_000, 150_001)).toBe(true)
    nowMs += 2000
    expect(pages.areWarm(150_000, 150_001)).toBe(false)
  })

  test('are known to the last byte of a file', () => {
    const pages = warmPages(65_537)
    pages.wereRead(65_536, 65_537)
    expect(pages.areWarm(65_536, 65_537)).toBe(true)
    expect(pages.areWarm(65_535, 65_537)).toBe(false)
  })
})

describe('trust', () => {
  test('is lost for a few seconds by slow reads that come together', () => {
    const its = trust()
    for (let time = 0; time < 3; time++) {
      expect(its.isGiven()).toBe(true)
      its.took(12)
      its.took(0.01)
    }
    expect(its.isGiven()).toBe(false)
    nowMs += 5000
    expect(its.isGiven()).toBe(true)
  })

  test('stands a slow read now and then', () => {
    const its = trust()
    for (let time = 0; time < 10; time++) {
      its.took(50)
      nowMs += 600
      expect(its.isGiven()).toBe(true)
    }
  })
})
