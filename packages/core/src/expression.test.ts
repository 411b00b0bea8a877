import { describe, expect, test } from 'vitest'
import { DomainError } from './errors.ts'
import { textOf } from './expression/tree.ts'
import { compile, type DeviceFacts, holds } from './expression.ts'

const now = new Date('2026-06-01T12:00:00.000Z')
const facts: DeviceFacts = {
  device: {
    id: '0',
    name: 'sensor-eu-7',
    profileId: '1',
    profileName: 'Sensor',
    cloudId: null,
    cloudName: null,
    labels: ['beta', 'roof'],
    attributes: { site: 'Oslo', 'floor no': 3, partNumber: 'AB-1' },
    inventory: {
      memory: 512,
      load: 0.5,
      on: true,
      nothing: null,
      disks: [{ free: 10 }, { free: 90 }],
      sizes: [1, 2],
      os: { name: 'linux', version: '6.1.0' },
      odd: { constructor: { name: 'x' } },
    },
    installed: {
      firmware: { title: 'app', version: '1.4.2' },
      image: { title: 'box', version: null },
    },
    dialect: 'updraft',
    lastSeenAt: new Date('2026-06-01T11:00:00.000Z'),
    createdAt: new Date('2026-01-01T00:00:00.000Z'),
  },
  customer: null,
  systemModel: 'gateway-2',
  hardwareType: null,
}
const neverSeen: DeviceFacts = { ...facts, device: { ...facts.device, lastSeenAt: null } }

const verdict = (text: string, about = facts) => holds(compile(text), about, now)

describe('an expression holds', () => {
  test.each([
    'true',
    '"beta" in labels',
    '!("gamma" in labels)',
    'labels.exists(x, glob(x, "be*"))',
    'labels.all(x, x != "gamma")',
    'size(labels) == 2',
    'name.startsWith("sensor-") && profile == "Sensor"',
    'name in ["a", "sensor-eu-7"]',
    'matches(name, "^sensor-(eu|us)-[0-9]+$")',
    'name.matches("eu")',
    'glob(name, "sensor-??-*")',
    'customer == ""',
    'systemModel == "gateway-2" && hardwareType == "" && partNumber == "AB-1"',
    'attributes.site == "Oslo" && attributes["floor no"] >= 3',
    'inventory.memory > 256 && inventory.memory == 512 && inventory.load < 1',
    'inventory.on',
    'inventory.nothing == null',
    'has(inventory.os.name) && !has(inventory.os.build)',
    'inventory.os.name == "linux"',
    'inventory.disks.exists(d, d.free > 80)',
    'inventory.odd.constructor.name == "x"',
    '2 in inventory.sizes && "name" in inventory.os',
    '"firmware" in installed && !("handlers" in installed)',
    'versionMatches(installed.firmware.version, "~> 1.2 or >= 3.0.0")',
    'versionCompare(installed.firmware.version, "1.10.0") < 0',
    'semver(installed.firmware.version, "<", "1.10.0") && semver("1.0.0", "!=", "1.0.1")',
    'versionOf(installed, "nothing") == "" && versionMajor("3.2.1") == 3',
    'versionMinor("3.2.1") == 2 && versionPatch("3.2.1") == 1 && versionPatch("3.2") == 0',
    'installed.firmware.title == "app"',
    'seen && lastSeenAt > now() - duration("2h")',
    'createdAt < timestamp("2026-02-01T00:00:00Z")',
    'dialect == "updraft" ? "roof" in labels : false',
    // What cannot be decided does not matter where the other side decides.
    'inventory.unknown > 5 || name != ""',
    '"beta" in labels || inventory.unknown',
    '!(inventory.unknown > 5 && name == "")',
    // Things of different types are not equal, and that is an answer.
    'inventory.memory != "512"',
    '// who is first\n"beta" in labels',
  ])('%s', (text) => {
    expect(verdict(text)).toEqual({ holds: true })
  })
})

describe('what cannot be decided does not hold, and neither does its contrary', () => {
  test.each([
    ['inventory.unknown > 5', 'The device has no "unknown".'],
    ['!(inventory.unknown > 5)', 'The device has no "unknown".'],
    ['inventory.os > 5', 'A map and a whole number have no > between them.'],
    ['inventory.memory < "x"', 'A number and a text have no < between them.'],
    ['inventory.memory', 'It says neither yes nor no.'],
    ['installed.image.version == "1.0.0"', 'The device has no "version".'],
    ['installed.handlers.version == "1.0.0"', 'The device has no "handlers".'],
    [
      'versionCompare(name, "1.0.0") > 0',
      '"sensor-eu-7" and "1.0.0" have no order: not both are like 1.2.3.',
    ],
    ['versionMatches(inventory.memory, "1.0.0")', undefined],
  ])('%s', (text, because) => {
    const found = verdict(text)
    expect(found.holds).toBe(false)
    if (because) expect(found).toEqual({ holds: false, because })
    else expect(found).toHaveProperty('because')
  })

  test('a device that was never seen was not seen before or after anything', () => {
    const because = 'The device was never seen.'
    expect(verdict('lastSeenAt < now()', neverSeen)).toEqual({ holds: false, because })
    expect(verdict('!(lastSeenAt < now())', neverSeen)).toEqual({ holds: false, because })
    expect(verdict('!seen || lastSeenAt < now()', neverSeen)).toEqual({ holds: true })
  })

  test('a text that is too long for a pattern is matched by none', () => {
    const long = { ...facts, device: { ...facts.device, attributes: { a: 'x'.repeat(5000) } } }
    const found = verdict('matches(attributes.a, "x")', long)
    expect(found).toEqual({
      holds: false,
      because: 'A text of more than 4096 characters is not matched.',
    })
  })
})

test('a plain no has no reason', () => {
  expect(verdict('"gamma" in labels')).toEqual({ holds: false })
})

const mistakeOf = (text: string) => {
  try {
    compile(text)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return { code: error.code, message: error.message, ...error.details }
  }
  return undefined
}

describe('a mistake is told with its column and length', () => {
  test.each<[text: string, column: number, length: number, mistake: string]>([
    ['', 1, 1, 'it is empty'],
    [
      'nam == "x"',
      1,
      3,
      'nothing is called "nam"; there are name, profile, customer, cloud, labels, attributes, inventory, installed, dialect, partNumber, systemModel, hardwareType, createdAt, lastSeenAt, seen',
    ],
    ['true && name == 5', 9, 9, 'a text cannot be compared with a whole number'],
    ['name = "x"', 6, 1, '"=" compares nothing; write == for "is equal to"'],
    ['seen & seen', 6, 1, '"&" joins nothing; write && for "and"'],
    ['name == "x', 9, 2, 'the closing quote of this text is missing'],
    ['name ==', 8, 1, 'something is missing at the end'],
    ['(seen', 6, 1, '")" is missing at the end'],
    ['seen seen', 6, 4, '"seen" is not expected here'],
    ['name', 1, 4, 'it does not say yes or no; compare with something'],
    [
      'seen && foo(name)',
      9,
      9,
      'there is no function "foo"; there are now, timestamp, duration, has, size, matches, glob, versionMatches, versionCompare, versionOf, versionMajor, versionMinor, versionPatch, semver, contains, startsWith, endsWith, lowerAscii, upperAscii, trim, int, double, string, getFullYear, getMonth, getDate, getDayOfWeek, getHours, getMinutes',
    ],
    ['glob(name)', 1, 10, 'glob is called with a text, which it does not take'],
    ['seen && name', 1, 12, 'both sides of && and || say yes or no, and this is a text'],
    [
      'installed.firmware.size == "5"',
      20,
      4,
      'what is installed has a title and a version, and no "size"',
    ],
    [
      'installed.firmware["size"] == "5"',
      20,
      6,
      'what is installed has a title and a version, and no "size"',
    ],
    [
      'matches(name, "a(b")',
      17,
      1,
      'the pattern cannot be read: the closing bracket of this group is missing',
    ],
    [
      'matches(name, r"(a)\\1")',
      20,
      1,
      'the pattern cannot be read: referring back to a group is not possible',
    ],
    [
      'matches(name, "\\\\d(?=x)")',
      15,
      10,
      'the pattern cannot be read: looking ahead or behind is not possible',
    ],
    ['matches(name, profile)', 15, 7, 'the pattern is written out, in quotes'],
    [
      'versionMatches(name, ">= 2.0")',
      26,
      1,
      'The version requirement ">= 2.0" cannot be read: "2.0" is not a version like 1.2.3',
    ],
    ['versionMatches(name, profile)', 22, 7, 'the version requirement is written out, in quotes'],
    [
      'lastSeenAt > timestamp("yesterday")',
      24,
      11,
      '"yesterday" is not written like timestamp("2026-01-31T00:00:00Z")',
    ],
    [
      'lastSeenAt > now() - duration("1 day")',
      31,
      7,
      '"1 day" is not written like duration("24h")',
    ],
    ['lastSeenAt > now', 14, 3, 'the present moment is written now()'],
    ['lastSeenAt == null', 1, 18, 'a moment cannot be compared with null'],
    ['name == b"x"', 1, 12, 'a text cannot be compared with bytes'],
    ['{"a": 1}.a == 1', 1, 8, 'maps are not written in expressions'],
    ['has(name)', 1, 9, 'has asks for a path, as in has(inventory.memory)'],
    [
      'labels.all(a, labels.all(b, a == b))',
      15,
      21,
      'all may not stand within another exists, all, filter or map',
    ],
    ['labels.all(name, name == "x")', 12, 4, '"name" means something already; take another name'],
    [
      'seen\n&& nam == ""',
      9,
      3,
      expect.stringContaining('nothing is called "nam"') as unknown as string,
    ],
    ['name in ["a", 5]', 15, 1, 'what stands in a list is all of one type'],
  ])('%s', (text, column, length, mistake) => {
    expect(mistakeOf(text)).toMatchObject({ code: 'expression.invalid', column, length, mistake })
  })

  test('the sentence says where', () => {
    expect(mistakeOf('nam == "x" && foo')?.message).toMatch(
      /^The expression cannot be used: nothing is called "nam"; .* \(column 1\)\.$/,
    )
  })
})

describe('an expression that is too large is not looked at', () => {
  test.each([
    ['long', `name == "${'x'.repeat(5000)}"`],
    ['in brackets', `${'('.repeat(2000)}seen${')'.repeat(2000)}`],
    ['denied often', `${'!'.repeat(4000)}seen`],
    ['a long chain', Array.from({ length: 500 }, () => 'seen').join('||')],
    ['long paths', `inventory${'.a'.repeat(1500)}`],
  ])('%s', (_, text) => {
    expect(mistakeOf(text)?.code).toBe('expression.too-large')
  })

  test('a long list of names is fine', () => {
    const names = Array.from({ length: 300 }, (_, index) => `"s-${index}"`).join()
    expect(verdict(`!(name in [${names}])`)).toEqual({ holds: true })
  })
})

test.each([
  'a.b || c && d',
  '!(seen && name == "a\\n\\"b") || inventory["x y"].z > -5',
  'has(inventory.a.b) ? labels.exists(x, x.startsWith("a")) : 1.0 < inventory.n + 2.5',
  'inventory["in"] in [1, 2] && name.matches("a")',
])('written out again, %s means the same', (text) => {
  const known = text.replace('a.b', 'inventory.b').replace('c && d', 'seen && seen')
  const { tree } = compile(known)
  expect(compile(textOf(tree)).tree).toEqual(tree)
})
