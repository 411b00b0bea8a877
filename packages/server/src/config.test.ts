import { describe, expect, test } from 'vitest'
import {
  type Config,
  ConfigError,
  helpText,
  readConfig,
  SETTINGS,
  type SettingName,
} from './config.ts'

const read = (argv: readonly string[] = [], env: Record<string, string> = {}): Config => {
  const config = readConfig(argv, env)
  if (config === 'help') throw new Error('help was asked for')
  return config
}

test('with nothing said, everything has its default', () => {
  expect(read()).toMatchObject({
    httpPort: 8080,
    host: '127.0.0.1',
    data: './data',
    databaseUrl: undefined,
    artifacts: undefined,
    publicUrl: undefined,
    adminToken: undefined,
    checkInSeconds: 3600,
    retentionDays: 365,
    trustProxy: false,
    logLevel: 'info',
  })
})

/** Each setting in two values, as they are typed and as they are read. */
const folder = (name: string, path: string) => ({ name, kind: 'file', folder: path })
const s3 = (name: string, changes: object) => ({
  name,
  kind: 's3',
  bucket: 'bucket',
  prefix: '',
  region: undefined,
  endpoint: undefined,
  isPathStyle: false,
  isDirect: true,
  mayCreate: true,
  ...changes,
})

const VALUES: Record<string, readonly (readonly [string, unknown])[]> = {
  httpPort: [
    ['0', 0],
    ['65535', 65_535],
  ],
  host: [
    ['0.0.0.0', '0.0.0.0'],
    ['::1', '::1'],
  ],
  data: [
    ['/srv/updraft', '/srv/updraft'],
    ['elsewhere', 'elsewhere'],
  ],
  databaseUrl: [
    ['postgres://u:p@db/updraft', 'postgres://u:p@db/updraft'],
    ['postgresql:///updraft?host=/run/postgresql', 'postgresql:///updraft?host=/run/postgresql'],
  ],
  artifacts: [
    ['file:///srv/files', [folder('default', '/srv/files')]],
    ['file:///srv/my%20files', [folder('default', '/srv/my files')]],
    ['file:///a,b', [folder('default', '/a,b')]],
    ['s3://bucket', [s3('default', {})]],
    [
      'eu=s3://bucket/a/b/?region=eu-central-1&direct=false&create=false, old=file:///srv/files',
      [
        s3('eu', { prefix: 'a/b/', region: 'eu-central-1', isDirect: false, mayCreate: false }),
        folder('old', '/srv/files'),
      ],
    ],
    [
      's3://bucket?endpoint=http://10.0.0.1:9000&path-style=true',
      [
        s3('default', {
          region: 'us-east-1',
          endpoint: 'http://10.0.0.1:9000',
          isPathStyle: true,
        }),
      ],
    ],
  ],
  publicUrl: [
    ['https://updates.example/', 'https://updates.example'],
    ['http://10.0.0.1:8080/updraft//', 'http://10.0.0.1:8080/updraft'],
  ],
  mqttPublicUrl: [
    ['mqtts://updates.example:8883', 'mqtts://updates.example:8883'],
    ['mqtts://[fd00::1]:1', 'mqtts://[fd00::1]:1'],
  ],
  plainHttp: [
    ['on', true],
    ['off', false],
  ],
  mqttPort: [
    ['0', 0],
    ['off', null],
  ],
  coapPort: [
    ['0', 0],
    ['off', null],
  ],
  pacePackSize: [
    ['1', 1],
    ['5000', 5000],
  ],
  sessionIdleMinutes: [
    ['5', 5],
    ['60', 60],
  ],
  claimWindowMs: [
    ['1', 1],
    ['3600000', 3_600_000],
  ],
  paceIntervalMs: [
    ['0', 0],
    ['1000', 1000],
  ],
  silenceDeadlineSeconds: [
    ['0', 0],
    ['86400', 86_400],
  ],
  maxRetries: [
    ['0', 0],
    ['3', 3],
  ],
  adminToken: [
    ['a-token-of-enough-length', 'a-token-of-enough-length'],
    ['0123456789abcdef', '0123456789abcdef'],
  ],
  checkInSeconds: [
    ['1', 1],
    ['86400', 86_400],
  ],
  retentionDays: [
    ['0', 0],
    ['3650', 3650],
  ],
  trustProxy: [
    ['on', true],
    ['off', false],
  ],
  logLevel: [
    ['debug', 'debug'],
    ['silent', 'silent'],
  ],
}
/** Read together, as one value; see their own test. */
const TOGETHER = /^(mqttTls|tls)[A-Z]/
const settings = Object.entries(SETTINGS) as [
  SettingName & keyof Config,
  (typeof SETTINGS)[SettingName],
][]
const table = settings.filter(([name]) => !TOGETHER.test(name))

test('every setting is tried here', () => {
  expect(table.map(([name]) => name).filter((name) => !VALUES[name])).toEqual([])
})

describe.each(table)('%s', (name, { flag, env }) => {
  const [one, two] = VALUES[name] ?? []

  test('is read from the environment', () => {
    for (const variable of env) {
      expect(read([], { [variable]: one?.[0] ?? '' })[name]).toEqual(one?.[1])
    }
  })

  if (flag) {
    test('is read from its flag, which wins', () => {
      const said = { [env[0]]: one?.[0] ?? '' }
      expect(read([`--${flag}`, two?.[0] ?? ''], said)[name]).toEqual(two?.[1])
      expect(read([`--${flag}=${two?.[0]}`], said)[name]).toEqual(two?.[1])
    })
  }

  test('that is empty is as if it were not there', () => {
    expect(read([], { [env[0]]: '' })[name]).toEqual(read()[name])
  })

  test('stands in the help with its flag, its variable, its default and its meaning', () => {
    const line = helpText()
      .split('\n')
      .find((each) => each.includes(env[0]))
    const { default: fallback, meaning } = SETTINGS[name]
    expect(line).toContain(meaning)
    if (flag) expect(line).toMatch(new RegExp(`^--${flag} `))
    if (fallback !== undefined) expect(line).toContain(`[${fallback}]`)
  })
})

test('TLS is spoken with files that are named together, and needs none', () => {
  const none = { port: null, certificate: undefined, key: undefined, clientCa: undefined }
  expect(read().mqttTls).toEqual(none)
  expect(read(['--mqtt-tls-port', '8883']).mqttTls).toEqual({ ...none, port: 8883 })
  const files = ['--mqtt-tls-certificate', 'a.pem', '--mqtt-tls-key', 'a.key']
  const variables = { UPDRAFT_MQTT_TLS_CLIENT_CA: 'ca.pem' }
  expect(read(files, variables).mqttTls).toEqual({
    port: null,
    certificate: 'a.pem',
    key: 'a.key',
    clientCa: 'ca.pem',
  })
})

test('one certificate is for all doors, but where MQTT has files of its own', () => {
  const files = ['--tls-certificate', 'a.pem', '--tls-key', 'a.key', '--tls-client-ca', 'ca.pem']
  const forAll = { certificate: 'a.pem', key: 'a.key', clientCa: 'ca.pem' }
  expect(read(files)).toMatchObject({ tls: forAll, mqttTls: { ...forAll, port: null } })
  const variables = { UPDRAFT_MQTT_TLS_CERTIFICATE: 'b.pem', UPDRAFT_MQTT_TLS_KEY: 'b.key' }
  expect(read(files, variables)).toMatchObject({
    tls: forAll,
    mqttTls: { certificate: 'b.pem', key: 'b.key', clientCa: 'ca.pem' },
  })
  expect(read([], variables).tls.certificate).toBeUndefined()
})

test('secrets have no flag, where everyone could read them', () => {
  for (const name of ['adminToken', 'databaseUrl'] as const) expect(SETTINGS[name].flag).toBeNull()
})

describe('is refused in words', () => {
  test.each<[string, readonly string[], Record<string, string>, string]>([
    [
      'a port that is no number',
      ['--http-port', 'http'],
      {},
      '--http-port (UPDRAFT_HTTP_PORT) is a whole number from 0 to 65535, not "http".',
    ],
    [
      'a certificate without its key',
      ['--tls-certificate', 'a.pem'],
      {},
      '--tls-certificate (UPDRAFT_TLS_CERTIFICATE) and --tls-key (UPDRAFT_TLS_KEY) go together.',
    ],
    [
      'a port too large',
      [],
      { UPDRAFT_HTTP_PORT: '65536' },
      '--http-port (UPDRAFT_HTTP_PORT) is a whole number from 0 to 65535, not "65536".',
    ],
    ['a port below', ['--http-port=-1'], {}, 'from 0 to 65535, not "-1".'],
    [
      'half a second',
      ['--check-in-seconds', '0.5'],
      {},
      '--check-in-seconds (UPDRAFT_CHECK_IN_SECONDS) is a whole number',
    ],
    [
      'a level there is not',
      ['--log-level', 'loud'],
      {},
      '--log-level (UPDRAFT_LOG_LEVEL) is one of trace, debug, info, warn, error, silent, not "loud".',
    ],
    [
      'a switch that is neither',
      ['--trust-proxy', 'maybe'],
      {},
      '--trust-proxy (UPDRAFT_TRUST_PROXY) is on or off, not "maybe".',
    ],
    [
      'a token too short',
      [],
      { UPDRAFT_ADMIN_TOKEN: 'short' },
      'UPDRAFT_ADMIN_TOKEN must have at least 16 characters',
    ],
    [
      'a token no header could carry',
      [],
      { UPDRAFT_ADMIN_TOKEN: 'with spaces in the middle' },
      'UPDRAFT_ADMIN_TOKEN must be letters, digits and signs without spaces.',
    ],
    [
      'files at a path',
      [],
      { UPDRAFT_ARTIFACTS: '/srv/files' },
      'UPDRAFT_ARTIFACTS is a URL such as file:///srv/updraft or s3://bucket/prefix?region=eu-central-1, not "/srv/files".',
    ],
    [
      'files at a relative URL',
      [],
      { UPDRAFT_ARTIFACTS: 'file:./files' },
      'UPDRAFT_ARTIFACTS is a URL',
    ],
    [
      'files at another host',
      [],
      { UPDRAFT_ARTIFACTS: 'file://srv/files' },
      'UPDRAFT_ARTIFACTS is a URL',
    ],
    [
      'a bucket with credentials',
      [],
      { UPDRAFT_ARTIFACTS: 's3://key:geheim@bucket' },
      'its credentials stand elsewhere',
    ],
    [
      'a prefix that is no text',
      [],
      { UPDRAFT_ARTIFACTS: 's3://bucket/%zz' },
      'UPDRAFT_ARTIFACTS: "%zz" cannot be decoded, in "s3://bucket/%zz".',
    ],
    [
      'a bucket with a name no bucket has',
      [],
      { UPDRAFT_ARTIFACTS: 's3://B' },
      'no name of a bucket',
    ],
    [
      'a bucket with a wrong word',
      [],
      { UPDRAFT_ARTIFACTS: 's3://bucket?x=1' },
      '"x" is none of region',
    ],
    [
      'a second store without a name',
      [],
      { UPDRAFT_ARTIFACTS: 's3://bucket,file:///srv' },
      'needs a name for each store after the first',
    ],
    [
      'two stores of one name',
      [],
      { UPDRAFT_ARTIFACTS: 'a=s3://bucket,a=file:///srv' },
      'names two stores "a"',
    ],
    [
      'files that are broken',
      [],
      { UPDRAFT_ARTIFACTS: 'file:///%zz' },
      'UPDRAFT_ARTIFACTS is a URL',
    ],
    [
      'a public URL without a scheme',
      ['--public-url', 'updates.example'],
      {},
      '--public-url (UPDRAFT_PUBLIC_URL) is an http or https URL such as https://updates.example, not "updates.example".',
    ],
    [
      'a public URL that devices would cut off',
      ['--public-url', `https://${'a'.repeat(124)}`],
      {},
      '--public-url (UPDRAFT_PUBLIC_URL) has at most 131 characters, as devices keep no longer address; this one has 132.',
    ],
    [
      'a public URL of another scheme',
      ['--public-url', 'ftp://updates.example'],
      {},
      'is an http or https URL',
    ],
    [
      'a public URL of MQTT without TLS',
      ['--mqtt-public-url', 'mqtt://updates.example:1883'],
      {},
      '--mqtt-public-url (UPDRAFT_MQTT_PUBLIC_URL) is an mqtts URL with its port such as mqtts://updates.example:8883, not "mqtt://updates.example:1883".',
    ],
    [
      'a public URL of MQTT without a port',
      ['--mqtt-public-url', 'mqtts://updates.example'],
      {},
      'is an mqtts URL with its port',
    ],
    [
      'a certificate without its key',
      ['--mqtt-tls-certificate', 'server.pem'],
      {},
      '--mqtt-tls-certificate (UPDRAFT_MQTT_TLS_CERTIFICATE) and --mqtt-tls-key (UPDRAFT_MQTT_TLS_KEY) go together.',
    ],
    [
      'a public URL with a query',
      ['--public-url', 'https://updates.example/?a=b'],
      {},
      'is an http or https URL',
    ],
    [
      'a database that is no URL',
      [],
      { UPDRAFT_DATABASE_URL: 'updraft' },
      'UPDRAFT_DATABASE_URL is a URL such as postgres://user:password@host/database.',
    ],
    [
      'a database of another kind',
      [],
      { UPDRAFT_DATABASE_URL: 'mysql://u:geheim@h/d' },
      'UPDRAFT_DATABASE_URL is a URL such as postgres://user:password@host/database.',
    ],
    ['a flag there is not', ['--prot', '1'], {}, "Unknown option '--prot'"],
    ['a flag without its value', ['--host'], {}, "'--host <value>'"],
    ['a word too much', ['start'], {}, "Unexpected argument 'start'"],
  ])('%s', (_what, argv, env, words) => {
    const refusal = (() => {
      try {
        readConfig(argv, env)
      } catch (error) {
        return error
      }
      return undefined
    })()
    expect(refusal).toBeInstanceOf(ConfigError)
    expect((refusal as Error).message).toContain(words)
    expect((refusal as Error).message).not.toContain('geheim')
  })
})

test('help is asked for by its flag, whatever else is said', () => {
  expect(readConfig(['--help'], {})).toBe('help')
  expect(readConfig(['--http-port', 'x', '--help'], {})).toBe('help')
})
