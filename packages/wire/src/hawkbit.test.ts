import { encode } from 'cborg'
import { describe, expect, test } from 'vitest'
import {
  answerType,
  artifactOf,
  attributesAfter,
  attributesFault,
  basePath,
  bodyType,
  ConfigData,
  cancelDocument,
  componentTypeOf,
  DeploymentDocument,
  deploymentDocument,
  errorBody,
  Feedback,
  feedbackBody,
  type MediaType,
  md5Text,
  PollAnswer,
  partOf,
  pollAnswer,
  readActionId,
  readAuthorization,
  readBody,
  readSleep,
  sleepText,
  spell,
} from './hawkbit.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (body: Uint8Array) => new TextDecoder().decode(body)

describe('sleep', () => {
  test.each([
    [300, '00:05:00'],
    [0, '00:00:01'],
    [0.4, '00:00:01'],
    [3_599.6, '01:00:00'],
    [86_399, '23:59:59'],
    [86_400, '23:59:59'],
    [1e9, '23:59:59'],
  ])('%d s is %s, eight characters below a day', (seconds, spelled) => {
    expect(sleepText(seconds)).toBe(spelled)
    expect(spelled).toHaveLength(8)
  })

  test.each([
    ['00:05:00', 300],
    ['PT24H', 86_400],
    ['P1DT1S', 86_401],
    ['PT5M', 300],
    ['soon', null],
    ['P', null],
    ['PT', null],
    ['00:60:00', null],
  ])('%s is read as %s', (spelled, seconds) => {
    expect(readSleep(spelled)).toBe(seconds)
  })
})

describe('the number of an action', () => {
  test.each([
    ['1', 1],
    ['10', 10],
    ['2147483647', 2_147_483_647],
  ])('%s is one', (spelled, id) => {
    expect(readActionId(spelled)).toBe(id)
  })

  test.each(['0', '-1', '2147483648', '5000000000', '1.5', '1e3', '', ' 1', 'abc'])(
    '%j is none',
    (spelled) => {
      expect(readActionId(spelled)).toBeUndefined()
    },
  )
})

describe('who comes', () => {
  test.each([
    ['TargetToken abc', { kind: 'target', token: 'abc' }],
    ['GatewayToken a b', { kind: 'gateway', token: 'a b' }],
  ])('%s', (header, credentials) => {
    expect(readAuthorization(header)).toEqual(credentials)
  })

  test.each([
    undefined,
    '',
    'TargetToken',
    'TargetToken ',
    'targettoken abc',
    'TargetToken  abc',
    'Bearer abc',
  ])('%j shows nothing', (header) => {
    expect(readAuthorization(header)).toBeUndefined()
  })
})

describe('media types', () => {
  test.each<[string | undefined, MediaType | null]>([
    [undefined, 'application/hal+json'],
    ['', 'application/hal+json'],
    ['*/*', 'application/hal+json'],
    ['application/json;charset=UTF-8', 'application/json'],
    ['application/json', 'application/json'],
    ['application/cbor', 'application/cbor'],
    ['application/json;q=0.5, application/cbor', 'application/cbor'],
    ['text/html, */*;q=0.1', 'application/hal+json'],
    ['text/html', null],
    ['application/json;q=0', null],
  ])('Accept: %s is answered with %s', (accept, type) => {
    expect(answerType(accept)).toBe(type)
  })

  test.each([
    ['application/json;charset=UTF-8', 'json'],
    [undefined, 'json'],
    ['application/cbor', 'cbor'],
    ['application/hal+json', null],
    ['text/plain', null],
  ])('a body of %s is read as %s', (said, type) => {
    expect(bodyType(said)).toBe(type)
  })
})

describe('a body', () => {
  test.each([
    ['{"a":1}', { a: 1 }],
    // SWUpdate prints its log lines, and replaces no more than quotes, backslashes and line breaks
    ['{"a":"tab\there"}', { a: 'tab\there' }],
    ['{"a":"bell\u0007","b":"line\nbreak"}', { a: 'bell\u0007', b: 'line\nbreak' }],
    ['{"a":"quote \\" and\ttab"}', { a: 'quote " and\ttab' }],
    ['{\n"a":\t"\\\\","b":"tab\t"}', { a: '\\', b: 'tab\t' }],
  ])('%j', (spelled, value) => {
    expect(readBody(bytes(spelled), 'json')).toEqual(value)
  })

  test.each(['', '[]', '1', 'null', '{', '{"a":}', '"a"'])('%j is none', (spelled) => {
    expect(readBody(bytes(spelled), 'json')).toBeUndefined()
  })

  // Looked at from each of its quotes anew, half a million of them would take minutes.
  test('of a text that never ends is none, however long it is', () => {
    expect(readBody(bytes(`{"a":"${'\\"'.repeat(500_000)}`), 'json')).toBeUndefined()
  })

  test('CBOR is read where CBOR is said', () => {
    const said = feedbackBody({ actionId: 7, execution: 'closed', finished: 'success' })
    expect(readBody(encode(said), 'cbor')).toEqual(said)
  })

  test.each([
    ['as JSON', encode({ a: 1 }), 'json'],
    ['JSON as CBOR', bytes('{"a":1}'), 'cbor'],
    ['broken off', encode({ a: 'abcdef' }).slice(0, 5), 'cbor'],
    ['with numbers for keys', encode(new Map([[1, 2]])), 'cbor'],
  ] as const)('CBOR %s is none', (_case, body, type) => {
    expect(readBody(body, type)).toBeUndefined()
  })
})

describe('feedback', () => {
  test('as SWUpdate writes it: the id a number, local time, lines of its log', () => {
    const body =
      '{"id":41,"time":"20260704T101500","status":{"execution":"proceeding","result":{"finished":"none","progress":{"cnt":2,"of":5}},"details":["[TRACE] : SWUPDATE\trunning","two"]}}'
    expect(Feedback.parse(readBody(bytes(body), 'json'))).toEqual({
      status: {
        execution: 'proceeding',
        code: undefined,
        result: { finished: 'none', progress: { cnt: 2, of: 5 } },
        details: ['[TRACE] : SWUPDATE\trunning', 'two'],
      },
      timestamp: undefined,
    })
  })

  test('with lines that are no texts, some of them deeper than anybody means', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const body = `{"status":{"execution":"proceeding","result":{"finished":"none"},"details":[${deep},7,{"a":1},null,"two"]}}`
    const { status } = Feedback.parse(readBody(bytes(body), 'json'))
    expect(status.details).toEqual(['7', '{"a":1}', 'two'])
  })

  test('as RAUC writes it', () => {
    const body =
      '{"id":"41","time":"20260704T101500","status":{"result":{"finished":"success"},"execution":"closed","details":["Software bundle installed successfully."]}}'
    expect(Feedback.parse(readBody(bytes(body), 'json')).status).toMatchObject({
      execution: 'closed',
      result: { finished: 'success' },
      details: ['Software bundle installed successfully.'],
    })
  })

  test.each([
    ['a text for texts', { details: 'one' }, ['one']],
    ['none', {}, []],
    ['null', { details: null }, []],
    ['something else', { details: [1, null, { a: 1 }] }, ['1', '{"a":1}']],
  ])('details as %s', (_case, more, details) => {
    const said = { status: { execution: 'closed', result: { finished: 'none' }, ...more } }
    expect(Feedback.parse(said).status.details).toEqual(details)
  })

  test.each([
    [{}],
    [{ status: {} }],
    [{ status: { execution: 'closed' } }],
    [{ status: { execution: 'closed', result: {} } }],
    [{ status: { execution: 'done', result: { finished: 'none' } } }],
    [{ status: { execution: 'closed', result: { finished: 'yes' } } }],
    [{ status: { result: { finished: 'none' } } }],
  ])('%j is none', (said) => {
    expect(Feedback.safeParse(said).success).toBe(false)
  })
})

describe('attributes', () => {
  const known = { a: '1', b: '2' }

  test.each([
    [
      'no mode, as RAUC and older SWUpdates have it',
      { data: { b: '3' }, time: 'x' },
      { a: '1', b: '3' },
    ],
    ['merge', { mode: 'merge', data: { c: '3' } }, { a: '1', b: '2', c: '3' }],
    ['replace', { mode: 'replace', data: { c: '3' } }, { c: '3' }],
    ['remove', { mode: 'remove', data: { a: null, z: '' } }, { b: '2' }],
    ['numbers', { data: { a: 5, b: true } }, { a: '5', b: 'true' }],
  ])('%s', (_case, said, after) => {
    const data = ConfigData.parse(said)
    expect(attributesFault(data)).toBeNull()
    expect(attributesAfter(known, data)).toEqual(after)
  })

  test.each([
    [{ data: {} }],
    [{ data: { '': 'x' } }],
    [{ data: { ['k'.repeat(129)]: 'x' } }],
    [{ data: { a: 'v'.repeat(129) } }],
    [{ data: { a: 'line\nbreak' } }],
    [{ data: { ä: 'x' } }],
  ])('%j cannot be kept', (said) => {
    expect(attributesFault(ConfigData.parse(said))).not.toBeNull()
  })

  test.each([[{}], [{ data: [] }], [{ data: { a: {} } }], [{ mode: 'swap', data: { a: '1' } }]])(
    '%j says nothing',
    (said) => {
      expect(ConfigData.safeParse(said).success).toBe(false)
    },
  )
})

describe('documents', () => {
  test('a poll, with its links in order and none where there is none', () => {
    expect(pollAnswer({ sleepSeconds: 300, links: {} })).toEqual({
      config: { polling: { sleep: '00:05:00' } },
    })
    const linked = pollAnswer({ sleepSeconds: 5, links: { configData: 'c', deploymentBase: 'd' } })
    expect(linked._links).toEqual({ deploymentBase: { href: 'd' }, configData: { href: 'c' } })
    expect(PollAnswer.parse(linked)).toEqual(linked)
  })

  test('a deployment: the id is text, the links are the two that all clients take', () => {
    const artifact = artifactOf({
      fileName: 'a.swu',
      sizeBytes: 3,
      hashes: { sha1: 's', md5: 'm', sha256: 'l' },
      url: 'https://ota.example/a.swu',
    })
    const document = deploymentDocument({
      actionId: 41,
      deployment: {
        download: 'forced',
        update: 'forced',
        chunks: [{ part: 'os', version: '2', name: 'rootfs', artifacts: [artifact] }],
      },
    })
    expect(text(spell(document, 'application/json').body)).toBe(
      '{"id":"41","deployment":{"download":"forced","update":"forced","chunks":[{"part":"os","version":"2","name":"rootfs","artifacts":[{"filename":"a.swu","size":3,"hashes":{"sha1":"s","md5":"m","sha256":"l"},"_links":{"download-http":{"href":"https://ota.example/a.swu"},"md5sum-http":{"href":"https://ota.example/a.swu.MD5SUM"}}}]}]}}',
    )
    expect(DeploymentDocument.parse(document)).toEqual(document)
  })

  test('a cancel says the same number twice', () => {
    expect(cancelDocument(41)).toEqual({ id: '41', cancelAction: { stopId: '41' } })
  })

  test('an answer in CBOR is read as it was meant', () => {
    const { contentType, body } = spell({ id: '41' }, 'application/cbor')
    expect(contentType).toBe('application/cbor')
    expect(readBody(body, 'cbor')).toEqual({ id: '41' })
  })

  test('an error has a class, a code and a message', () => {
    expect(errorBody('notReadable', '').exceptionClass).toBe(
      'org.eclipse.hawkbit.rest.exception.MessageNotReadableException',
    )
    expect(errorBody('notFound', 'No such action.')).toEqual({
      exceptionClass: 'org.eclipse.hawkbit.repository.exception.EntityNotFoundException',
      errorCode: 'hawkbit.server.error.repo.entitiyNotFound',
      message: 'No such action.',
    })
  })

  test('MD5 as text: two spaces, as md5sum has it', () => {
    expect(md5Text('abc', 'a b.swu')).toBe('abc  a b.swu')
  })
})

test.each([
  ['firmware', 'os'],
  ['software', 'bApp'],
  ['application', 'bApp'],
  ['runtime', 'jvm'],
  ['bootloader', 'bootloader'],
])('a component of type %s is the part %s', (type, part) => {
  expect(partOf(type)).toBe(part)
  expect(partOf(type, { isZephyr: true })).toBe('bApp')
  if (type !== 'application') expect(componentTypeOf(part)).toBe(type)
})

test('names stand in paths as they must', () => {
  expect(basePath('default', 'a/b c?ä')).toBe('/default/controller/v1/a%2Fb%20c%3F%C3%A4')
})
