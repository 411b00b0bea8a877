import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../memory-disk.ts'
import { type BoxConfig, ConfigFile, EMPTY_CONFIG, parseConfig, serverInToken } from './config.ts'
import { hashPin } from './pin.ts'

const FORMAT = { format: 'updraft-box-config-1' }
const SERVER = { url: 'https://updates.example', token: 't', key: null }
const now: BoxConfig = { ...EMPTY_CONFIG, name: 'Till', server: SERVER }

async function file(config: Partial<BoxConfig> = {}) {
  const memory = new MemoryDisk(() => {})
  await memory.disk.mkdir('/box', { recursive: true })
  const made = new ConfigFile({ disk: memory.disk, folder: '/box' })
  await made.change(config)
  return { memory, file: made }
}

describe('an import', () => {
  test.each([
    ['no JSON', 'hello', 'It is no JSON.'],
    ['a list', '[]', 'It is no JSON object.'],
    [
      'another format',
      '{}',
      'It is no configuration of a box: "format" is not "updraft-box-config-1".',
    ],
    ['a stranger', { color: 'red' }, 'Nothing is known of "color".'],
    ['a name that is a number', { name: 7 }, '"name" is no text.'],
    ['a name with a line', { name: 'a\nb' }, '"name" holds a control character.'],
    ['a server that is a text', { server: 'x' }, '"server" is no object.'],
    [
      'a server elsewhere without a token',
      { server: { url: 'https://other.example' } },
      'neither a token nor a key',
    ],
    ['a server that is no URL', { server: { url: 'ftp://x', token: 't' } }, 'is not a URL'],
    ['a PIN in the clear', { pin: '1234' }, '"pin" is no hash of a PIN.'],
    ['a PIN of half a hash', { pin: { salt: 'ab', hash: 'cd' } }, '"pin" is no hash of a PIN.'],
    ['paths that are a text', { code: { paths: 'a' } }, '"code.paths" is no list.'],
    ['notes without end', { network: 'x'.repeat(2_001) }, 'more than 2000 signs'],
  ])('of %s is refused, and nothing is changed', async (_what, told, why) => {
    const { memory, file: own } = await file(now)
    const before = memory.text('/box/config.json')
    const text = typeof told === 'string' ? told : JSON.stringify({ ...FORMAT, ...told })
    await expect(own.import(text)).rejects.toThrow(why)
    expect([own.current, memory.text('/box/config.json')]).toEqual([now, before])
  })

  test('of what was exported with secrets makes another box the same', async () => {
    const { file: one } = await file({ ...now, pin: await hashPin('1234') })
    const { file: other } = await file()
    await other.import(one.export({ withSecrets: true }))
    expect(other.current).toEqual(one.current)
  })

  test('without secrets leaves those of this box, for the same server', async () => {
    const { file: own } = await file({ ...now, pin: await hashPin('1234') })
    const text = own.export({ withSecrets: false })
    expect(text).not.toMatch(/"token"|"pin"|"hash"/)
    const before = own.current
    await own.import(text)
    expect(own.current).toEqual(before)
  })

  test('takes what is left out as not set', () => {
    expect(parseConfig(JSON.stringify(FORMAT), now)).toEqual({ ...EMPTY_CONFIG, pin: now.pin })
  })
})

test('a file that cannot be read is kept beside, and the box starts without one', async () => {
  const { memory, file: own } = await file(now)
  const handle = await memory.disk.open('/box/config.json', 'w')
  await handle.writeFile('{"format"')
  await handle.close()
  const again = new ConfigFile({ disk: memory.disk, folder: '/box' })
  expect(await again.load()).toBe('It is no JSON.')
  expect(again.current).toEqual(EMPTY_CONFIG)
  expect(memory.text('/box/config.json.unreadable')).toBe('{"format"')
  expect(own.current.name).toBe('Till')
})

test.each([
  [
    'https://boxes.example/?token=k&db_uuid=u&enterprise_code=none',
    { url: 'https://boxes.example', token: null, key: 'k' },
  ],
  ['https://boxes.example|k|u|none', { url: 'https://boxes.example', token: null, key: 'k' }],
  ['just-a-device-token', null],
  ['https://boxes.example/', null],
])('the token %s names a server, or none', (text, server) => {
  expect(serverInToken(text)).toEqual(server)
})

test('a token that leads nowhere is refused', () => {
  expect(() => serverInToken('nowhere|k|u|none')).toThrow('is not a URL')
})
