import { describe, expect, test } from 'vitest'
import {
  boxName,
  boxVersion,
  generationOf,
  imageFileName,
  imageSums,
  noNewImageSums,
  offeredImage,
  readEtag,
  readHandlersRequest,
  readLog,
  readSetup,
  readSubscription,
  resultText,
  versionInfo,
} from './odoo-iot.ts'

describe('a version', () => {
  test.each([
    ['21.04', { platform: 'L', image: '21.04' }],
    ['W23_11', { platform: 'W', image: '23.11' }],
    ['L24.10', { platform: 'L', image: '24.10' }],
    ['T24.10', { platform: 'L', image: '24.10' }],
    ['L24.10-17.0#1a2b3c4', { platform: 'L', image: '24.10', code: '17.0', commit: '1a2b3c4' }],
    ['L25.07-19.0#unknown', { platform: 'L', image: '25.07', code: '19.0' }],
    ['W23.11-18.0-20250403', { platform: 'W', image: '23.11', code: '18.0-20250403' }],
    [
      '  L25.07-saas~18.4#0f \n',
      { platform: 'L', image: '25.07', code: 'saas~18.4', commit: '0f' },
    ],
  ])('%s is taken apart', (text, version) => {
    expect(boxVersion(text)).toEqual(version)
  })

  test.each(['', '24', 'latest', 'L24.1', 'L24.100', '<html>'])('%j is none', (text) => {
    expect(boxVersion(text)).toBeNull()
  })

  test.each([
    ['02:00:00:00:00:0a', '21.04', 'G14'],
    ['02:00:00:00:00:0a', '23.11', 'G16'],
    ['02:00:00:00:00:0a', 'L24.10-18.0#1a2b3c4', 'G18'],
    ['10000000abcdef01', 'L25.07-19.0#1a2b3c4', 'G19'],
    ['10000000abcdef01', 'L25.07-saas~18.4#1a2b3c4', 'G19'],
    ['10000000abcdef01', 'L26.01-saas~19.1#1a2b3c4', 'G191'],
    ['10000000abcdef01', 'nothing', 'G19'],
  ])('with the identifier %s, %s tells that the box is %s', (identifier, text, generation) => {
    expect(generationOf(identifier, boxVersion(text))).toBe(generation)
  })
})

describe('what a box is called', () => {
  test.each([
    ['B8-27-EB-00-00-0A', 'b8:27:eb:00:00:0a'],
    [' b8:27:eb:00:00:0a\n', 'b8:27:eb:00:00:0a'],
    ['10000000ABCDEF01', '10000000abcdef01'],
    ['00:00:00:00:00:00', null],
    ['', null],
    ['a b', null],
    ['é', null],
    ['x'.repeat(129), null],
    [undefined, null],
  ])('%j is kept as %j', (text, name) => {
    expect(boxName(text)).toBe(name)
  })
})

describe('an announcement', () => {
  const iot_box = { identifier: '02:00:00:00:00:0A', token: 't', version: '23.11', ip: '192.0.2.1' }

  test.each([
    ['with the envelope of JSON-RPC', { jsonrpc: '2.0', params: { iot_box, devices: {} } }],
    ['with params alone', { params: { iot_box, devices: {} } }],
    ['without an envelope', { iot_box, devices: {} }],
    ['with fields nobody knows', { iot_box: { ...iot_box, x: 1 }, devices: {}, y: [] }],
  ])('%s is read', (_how, body) => {
    expect(readSetup(JSON.stringify(body))).toMatchObject({
      identifier: '02:00:00:00:00:0a',
      mac: null,
      token: 't',
      generation: 'G16',
      devices: {},
    })
  })

  test('with nothing but a MAC is of that one', () => {
    const said = readSetup('{"iot_box":{"mac":"02:00:00:00:00:0a","version":null},"devices":null}')
    expect(said).toMatchObject({ identifier: '02:00:00:00:00:0a', version: null })
  })

  test.each([
    '',
    'null',
    '[]',
    '{}',
    '{"iot_box":{}}',
    '{"params":{"iot_box":{"name":"x"}}',
    '<html>',
  ])('%j names nobody', (text) => {
    expect(readSetup(text)).toBeNull()
  })
})

describe('what asks for handlers', () => {
  const multipart = (fields: Record<string, string>) =>
    `${Object.entries(fields)
      .map(
        ([name, value]) =>
          `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      )
      .join('')}--b--\r\n`
  test.each([
    [multipart({ mac: '02:00:00:00:00:0a', auto: 'True' }), true],
    [multipart({ mac: '02:00:00:00:00:0A', auto: 'False', x: 'a\r\n\r\nb' }), false],
    ['mac=02%3A00%3A00%3A00%3A00%3A0a&auto=false&x=1', false],
    ['identifier=02:00:00:00:00:0a&auto=true', true],
    ['identifier=02:00:00:00:00:0a', true],
    ['mac=02-00-00-00-00-0A&auto=FALSE', false],
  ])('%j is read', (text, isAutomatic) => {
    expect(readHandlersRequest(text)).toEqual({ names: ['02:00:00:00:00:0a'], isAutomatic })
  })

  test('with both names has both', () => {
    expect(readHandlersRequest('identifier=10AB&mac=02:00:00:00:00:0a').names).toEqual([
      '10ab',
      '02:00:00:00:00:0a',
    ])
  })

  test.each(['', '%', '--', '--b\r\n', 'auto=True', '{"mac":"x"}'])(
    'as %j names nobody',
    (text) => {
      expect(readHandlersRequest(text).names).toEqual([])
    },
  )

  test.each([
    ['"abc"', 'abc'],
    ['abc', 'abc'],
    ['W/"abc"', 'abc'],
    ['', null],
    [undefined, null],
  ])('names the entity tag %j as %j', (header, etag) => {
    expect(readEtag(header)).toBe(etag)
  })
})

describe('a log', () => {
  test('is read record by record, and one that is cut off is left out', () => {
    expect(
      readLog('mac 02:00:00:00:00:0A<log/>\n30,a, b\nand c<log/>\nno record<log/>\n40,cut o'),
    ).toEqual({ names: ['02:00:00:00:00:0a'], lines: [{ level: 30, text: 'a, b\nand c' }] })
  })

  test.each(['', 'identifier <log/>\n', '<log/>\n<log/>\n'])('%j says nothing', (text) => {
    expect(readLog(text)).toEqual({ names: [], lines: [] })
  })
})

test('the series is told with a tilde, as servers do', () => {
  expect(versionInfo('17.0')).toEqual({
    server_version: '17.0',
    server_version_info: [17, 0, 0, 'final', 0, ''],
    server_serie: '17.0',
    protocol_version: 1,
  })
  expect(versionInfo('saas-18.3')).toMatchObject({
    server_serie: 'saas~18.3',
    server_version_info: ['saas~18', 3, 0, 'final', 0, ''],
  })
})

test('an answer has the id of its request', () => {
  expect(resultText('c', '{"jsonrpc":"2.0","id":7,"params":{}}')).toBe(
    '{"jsonrpc":"2.0","id":7,"result":"c"}',
  )
  expect(resultText('c', 'x')).toBe('{"jsonrpc":"2.0","id":null,"result":"c"}')
})

test('a subscription is told from all else', () => {
  const said = '{"event_name":"subscribe","data":{"channels":["c"],"last":4,"mac_address":"x"}}'
  expect(readSubscription(said)).toMatchObject({ channels: ['c'], last: 4 })
  for (const other of [
    '',
    '[]',
    '{"event_name":"update_presence"}',
    '{"event_name":"subscribe"}',
  ]) {
    expect(readSubscription(other)).toBeNull()
  }
})

describe('images', () => {
  const sums = imageSums('aaa', [
    { sha1: 'bbb', fileName: imageFileName('23.09') ?? '' },
    { sha1: 'aaa', fileName: imageFileName('23_11') ?? '' },
  ])

  test('are listed as boxes read them, the latest first', () => {
    expect(sums).toBe('aaa  iotbox-latest.zip\nbbb  iotboxv23_09.zip\naaa  iotboxv23_11.zip\n')
    expect(imageFileName('latest')).toBeNull()
  })

  test.each(['20.01', '23.11', '49.12'])('where there is none, %s is the latest', (version) => {
    expect(noNewImageSums()).toMatch(/^0{40} {2}iotbox-latest\.zip\n/)
    expect(offeredImage(noNewImageSums(), version)).toBeNull()
  })

  test.each([
    ['23.09', '23.11'],
    ['23.11', null],
    ['24.01', '23.11'],
  ])('a box with %s is offered %s', (version, offered) => {
    expect(offeredImage(sums, version)).toBe(offered)
  })
})
