import { expect, test } from 'vitest'
import {
  blockBytes,
  blockValue,
  CODES,
  OPTIONS,
  readBlock,
  readMessage,
  TYPES,
  uintOf,
  writeMessage,
} from './coap-message.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('a request is written as RFC 7252 shows it (figure 16), and read back', () => {
  const bytes = hex('40 01 7d34 bb 74656d7065726174757265')
  const written = writeMessage({
    type: TYPES.confirmable,
    code: 1,
    id: 0x7d34,
    options: [[OPTIONS.uriPath, Buffer.from('temperature')]],
  })
  expect(written).toEqual(bytes)
  expect(readMessage(bytes)).toMatchObject({
    type: TYPES.confirmable,
    code: 1,
    id: 0x7d34,
    token: Buffer.alloc(0),
    options: [{ number: OPTIONS.uriPath, value: Buffer.from('temperature') }],
    payload: Buffer.alloc(0),
  })
})

test.each([
  { numbers: [0, 1, 12, 13, 268, 269, 2050, 65_535], what: 'distances' },
  { numbers: [11, 11, 11], what: 'repetitions' },
])('options keep their numbers over $what', ({ numbers }) => {
  const message = {
    type: TYPES.acknowledgement,
    code: CODES['2.05'],
    id: 65_535,
    token: hex('0102030405060708'),
    options: numbers.map((number) => [number, Buffer.from(`${number}`)] as const),
    payload: Buffer.from('%PDF'),
  }
  expect(readMessage(writeMessage(message))).toMatchObject({
    ...message,
    options: numbers.map((number) => ({ number, value: Buffer.from(`${number}`) })),
  })
})

test.each([0, 12, 13, 268, 269, 1000])('an option of %i bytes comes back whole', (length) => {
  const value = Buffer.alloc(length, 7)
  const written = writeMessage({ type: 0, code: 1, id: 1, options: [[OPTIONS.uriPath, value]] })
  expect(readMessage(written)).toMatchObject({ options: [{ value }] })
})

test.each([
  [0, ''],
  [1, '01'],
  [256, '0100'],
  [0x010000, '010000'],
  [0xfffffffe, 'fffffffe'],
])('the number %i is spelled in as few bytes as it needs', (number, spelled) => {
  const written = writeMessage({ type: 0, code: 1, id: 1, options: [[OPTIONS.size2, number]] })
  expect(readMessage(written)).toMatchObject({ options: [{ value: hex(spelled) }] })
  expect(uintOf(hex(spelled), 4)).toBe(number)
})

test('a number of more bytes than it may have is none', () => {
  expect(uintOf(hex('000001'), 2)).toBeUndefined()
})

test('the address is path and query as they stood on the wire, whatever else was asked', () => {
  const address = (...before: (readonly [number, Buffer])[]) => {
    const where = [
      [OPTIONS.uriPath, Buffer.from('fw')],
      [OPTIONS.uriQuery, Buffer.from('chunk=1')],
    ] as const
    const options = [...before, ...where, [OPTIONS.block2, 6] as const]
    const read = readMessage(writeMessage({ type: 0, code: 1, id: 1, options }))
    return read && !('isMalformed' in read) ? read.address : undefined
  }
  expect(address([OPTIONS.uriHost, Buffer.from('host')])).toBe(address())
  expect(address()).toContain('chunk=1')
})

test.each([
  ['nothing', ''],
  ['less than a header', '40 01 00'],
  ['another version', '80 01 0000'],
])('%s is no message', (_what, bytes) => {
  expect(readMessage(hex(bytes))).toBeNull()
})

test.each([
  ['a token longer than eight bytes', '49 01 0007 000000000000000000'],
  ['a token cut off', '42 01 0007 00'],
  ['an empty message with something in it', '40 00 0007 ff00'],
  ['an option cut off', '40 01 0007 b3 6677'],
  ['an option whose length is cut off', '40 01 0007 bd'],
  ['an option of reserved length', '40 01 0007 bf'],
  ['an option number beyond 65535', '40 01 0007 e0 fef3'],
  ['a payload marker without a payload', '40 01 0007 ff'],
])('%s is malformed, and says which message it was', (_what, bytes) => {
  expect(readMessage(hex(bytes))).toEqual({ isMalformed: true, type: TYPES.confirmable, id: 7 })
})

test.each([
  ['', { num: 0, isMore: false, szx: 0 }, 16],
  ['0e', { num: 0, isMore: true, szx: 6 }, 1024],
  ['fffff6', { num: 0xfffff, isMore: false, szx: 6 }, 1024],
])('the block %j is read and written', (spelled, block, size) => {
  expect(readBlock(hex(spelled))).toEqual(block)
  expect(blockValue(block)).toBe(uintOf(hex(spelled), 3))
  expect(blockBytes(block)).toBe(size)
})

test.each(['07', '00000006'])('%j is no block', (spelled) => {
  expect(readBlock(hex(spelled))).toBeUndefined()
})
