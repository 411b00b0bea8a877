import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startFakeServer } from './testing/fake-server.ts'
import { runProgram, temporaryFolder } from './testing/program.ts'
import { makeProfile } from './testing/things.ts'

async function start(csv: string) {
  const server = await startFakeServer()
  const folder = await temporaryFolder()
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  server.world.profiles.push(makeProfile('Sensor'))
  const file = join(folder.path, 'fleet.csv')
  await writeFile(file, csv)
  const updraft = (...args: string[]) => runProgram(['device', 'import', file, ...args], { server })
  return { server, folder, file, updraft }
}

const lines = (count: number) =>
  Array.from({ length: count }, (_, at) => `sensor-${at + 1},Sensor`).join('\n')

test('quotes, labels and tokens are read; tokens that were made up are printed', async () => {
  const { server, updraft } = await start(
    'Name,profile,labels,token\r\nplain,Sensor,,\r\n"the ""old"", red one",Sensor,"beta, roof",mine\r\nlast,Sensor,a;b,\r\n',
  )
  expect(await updraft()).toEqual({
    code: 0,
    stdout: 'name,token\nplain,made-up-for-plain\nlast,made-up-for-last\n',
    stderr: 'Added 3 devices.\n',
  })
  expect(server.world.devices.map(({ name, labels }) => [name, labels])).toEqual([
    ['plain', []],
    ['the "old", red one', ['beta', 'roof']],
    ['last', ['a', 'b']],
  ])
})

test("columns may be ThingsBoard's, and hold any kind of credential", async () => {
  const { server, updraft } = await start(
    [
      'Name,Type,Label,Access token,MQTT client ID,mqtt_user_name,MQTT_PASSWORD,X.509,is gateway',
      'by token,Sensor,roof,mine,,,,,',
      'by names,Sensor,,,c,u,p,,true',
      'by certificate,Sensor,,,,,,"-----BEGIN CERTIFICATE-----',
      'MIIB',
      '-----END CERTIFICATE-----",FALSE',
      'by all,Sensor,,theirs,,u2,,MIIC,no',
      'by nothing,Sensor,,,,,,,',
    ].join('\n'),
  )
  expect(await updraft()).toMatchObject({
    code: 0,
    stdout: 'name,token\nby nothing,made-up-for-by nothing\n',
  })
  const [sent] = server.calls.map(({ body }) => (body as { devices: object[] }).devices)
  expect(sent).toEqual([
    { name: 'by token', profile: 'Sensor', labels: ['roof'], token: 'mine' },
    {
      name: 'by names',
      profile: 'Sensor',
      attributes: { gateway: true },
      credentials: [{ kind: 'mqtt-basic', clientId: 'c', userName: 'u', password: 'p' }],
    },
    {
      name: 'by certificate',
      profile: 'Sensor',
      credentials: [
        {
          kind: 'x509',
          certificate: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
        },
      ],
    },
    {
      name: 'by all',
      profile: 'Sensor',
      token: 'theirs',
      credentials: [
        { kind: 'mqtt-basic', clientId: '', userName: 'u2', password: '' },
        { kind: 'x509', certificate: 'MIIC' },
      ],
    },
    { name: 'by nothing', profile: 'Sensor' },
  ])
})

test('many certificates go in batches the server takes', async () => {
  const row = (at: number) => `d${at},Sensor,${'A'.repeat(60_000)}`
  const { server, updraft } = await start(
    `name,profile,certificate\n${Array.from({ length: 50 }, (_, at) => row(at)).join('\n')}`,
  )
  expect((await updraft()).code).toBe(0)
  const sizes = server.calls.map(({ body }) => (body as { devices: [] }).devices.length)
  expect(sizes).toEqual([34, 16])
})

test('the tokens go to a file only its owner may read', async () => {
  const { folder, updraft } = await start(`name,profile\n${lines(2)}`)
  const out = join(folder.path, 'tokens.csv')
  expect(await updraft('--out', out)).toMatchObject({ code: 0, stdout: '' })
  expect(await readFile(out, 'utf8')).toBe(
    'name,token\nsensor-1,made-up-for-sensor-1\nsensor-2,made-up-for-sensor-2\n',
  )
  expect((await stat(out)).mode & 0o777).toBe(0o600)
})

test('many devices are added a thousand at a time', async () => {
  const { server, updraft } = await start(`name,profile\n${lines(2500)}`)
  const { code, stdout, stderr } = await updraft('--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { added, devices } = JSON.parse(stdout)
  expect(added).toBe(2500)
  expect(devices[2499]).toMatchObject({ name: 'sensor-2500', token: 'made-up-for-sensor-2500' })
  const sizes = server.calls.map(({ body }) => (body as { devices: [] }).devices.length)
  expect(sizes).toEqual([1000, 1000, 500])
})

test.each([
  ['', 1, 'there is no device in it'],
  ['name,profile\n', 1, 'there is no device in it'],
  ['name\nx', 1, 'there is no column "profile"'],
  ['name,profile,colour\nx,Sensor,red', 1, '"colour" is no column'],
  ['name,name,profile\nx,y,Sensor', 1, 'two columns "name"'],
  ['name,type,profile\nx,y,Sensor', 1, 'two columns "profile"'],
  ['name,profile,password\nx,Sensor,p', 2, 'goes with a client id or a user name'],
  ['name,profile,gateway\nx,Sensor,maybe', 2, 'neither true nor false'],
  ['name,profile\nx,Sensor\n\ny', 4, 'it has 1 field, the first line has 2'],
  ['name,profile\nx,Sensor\n,Sensor', 3, 'the name is missing'],
  ['name,profile\nx,Sensor\ny,', 3, 'the profile is missing'],
  ['name,profile\nx,Sensor\ny,Sensor\nx,Sensor', 4, '"x" stands in line 2 already'],
  ['name,profile\nx,Sensor\n"y,Sensor', 3, 'never closed'],
  [`name,profile\nx,Sensor\n${'y'.repeat(257)},Sensor`, 3, 'name: '],
])('a mistake in %j is found in line %i before anything is added', async (csv, line, message) => {
  const { server, file, updraft } = await start(csv)
  const people = await updraft()
  expect(people).toMatchObject({ code: 1, stdout: '' })
  expect(people.stderr).toContain(`${file}, line ${line}: `)
  expect(people.stderr).toContain(message)
  expect(server.calls).toEqual([])
  const script = await updraft('--json')
  expect(JSON.parse(script.stderr).error).toMatchObject({ code: 'import.mistake', line })
})

test("the server's refusal names the line, and what is in already keeps its tokens", async () => {
  const text = `name,profile\n${lines(1500)}\nodd,Unknown\n`
  const people = await start(text)
  const told = await people.updraft()
  expect(told.code).toBe(1)
  expect(told.stderr).toContain('line 1502: There is no profile "Unknown".')
  expect(told.stderr).toContain('The 1,000 devices before line 1002 were added')
  expect(told.stdout.trim().split('\n').length).toBe(1001)

  const script = await start(text)
  const { stdout, stderr } = await script.updraft('--json')
  expect(stdout).toBe('')
  const { error } = JSON.parse(stderr)
  expect(error).toMatchObject({ code: 'profile.unknown', status: 404, line: 1502 })
  expect(error.devices.length).toBe(1000)
})

test('a file that is not there is a refusal', async () => {
  const { server } = await start('')
  const outcome = await runProgram(['device', 'import', '/nowhere/fleet.csv'], { server })
  expect(outcome).toMatchObject({ code: 1, stdout: '' })
  expect(outcome.stderr).toBe('/nowhere/fleet.csv: there is no such file or folder.\n')
})
