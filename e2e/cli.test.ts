import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Device, Release } from '@updraft/api/shapes'
import type { CheckInResponse } from '@updraft/wire/updraft'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { curl } from './curl.ts'
import { firmware } from './firmware.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { run } from './program.ts'

let platform: TestPlatform

beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

const updraft = async (...args: string[]) => {
  const env = { UPDRAFT_URL: platform.url, UPDRAFT_TOKEN: ADMIN_TOKEN }
  const ran = await run('updraft', args, env)
  expect(ran, `${args.join(' ')}\n${ran.stderr}`).toMatchObject({ exitCode: 0 })
  return ran.stdout
}

const checkIn = (token: string, version: string) =>
  curl(
    ...['--header', `Authorization: Bearer ${token}`],
    ...['--data', JSON.stringify({ installed: { firmware: { title: 'bios', version } } })],
    `${platform.url}/device/v1/check-in`,
  )

test('three commands upload real firmware and assign it to a profile; its device is updated', async () => {
  const { seabios } = await firmware()
  await updraft('profile', 'add', 'pc')
  const { token } = JSON.parse(
    await updraft('device', 'add', 'd1', '--profile', 'pc', '--json'),
  ) as Device & { token: string }
  await updraft(
    ...['package', 'add', seabios, '--title', 'bios', '--version', '1.16.2', '--profile', 'pc'],
  )
  await updraft('assign', 'bios@1.16.2', '--profile', 'pc')

  const [offer] = (await checkIn(token, '1.0.0')).json<CheckInResponse>().offers
  const file = join(platform.dataFolder, 'bios.bin')
  await curl('--output', file, offer?.artifact ?? '')
  expect(Buffer.compare(await readFile(file), await readFile(seabios))).toBe(0)
  await curl(
    ...['--header', `Authorization: Bearer ${token}`, '--data', '{"state":"UPDATED"}'],
    `${platform.url}/device/v1/operations/${offer?.operation}/report`,
  )

  const status = JSON.parse(await updraft('status', 'd1', '--json')) as Device
  expect(status).toMatchObject({
    name: 'd1',
    profile: 'pc',
    installed: { firmware: { title: 'bios', version: '1.16.2' } },
    operation: {
      state: 'UPDATED',
      release: { title: 'bios', version: '1.16.2' },
      progress: 100,
      error: null,
      because: 'The device runs bios@1.16.2.',
    },
  })
  const told = await updraft('status', 'd1', '--history')
  for (const word of ['waiting', 'told', 'updated']) expect(told).toContain(word)
})

test('a file of 300 MB goes up by the CLI and down in pieces, through a broken connection', async () => {
  const path = join(platform.dataFolder, 'big.img')
  const sizeBytes = 300 * 1024 * 1024
  const file = await open(path, 'w')
  const piece = randomFillSync(Buffer.alloc(4 * 1024 * 1024))
  for (let written = 0; written < sizeBytes; written += piece.length) {
    piece.writeUInt32BE(written, 0)
    await file.write(piece)
  }
  await file.close()
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const sha256 = hash.digest('hex')

  await updraft('profile', 'add', 'camera')
  const { token } = JSON.parse(
    await updraft('device', 'add', 'cam', '--profile', 'camera', '--json'),
  ) as Device & { token: string }
  const release = JSON.parse(
    await updraft(
      ...['package', 'add', path, '--title', 'image', '--version', '1', '--profile', 'camera'],
      '--json',
    ),
  ) as Release
  expect(release).toMatchObject({
    sizeBytes,
    sha256,
    checksumAlgorithm: 'SHA256',
    checksum: sha256,
  })
  await updraft('assign', 'image@1', '--profile', 'camera')

  const [offer] = (await checkIn(token, '0')).json<CheckInResponse>().offers
  const fetched = join(platform.dataFolder, 'fetched.img')
  // The first attempt ends in the middle; the second goes on from there.
  await curl('--range', '0-99999999', '--output', fetched, offer?.artifact ?? '')
  await curl('--continue-at', '-', '--output', fetched, offer?.artifact ?? '')
  const back = createHash('sha256')
  await pipeline(createReadStream(fetched), back)
  expect(back.digest('hex')).toBe(sha256)
  await rm(fetched)
  await rm(path)
})

test('what is refused says why, and what to do', async () => {
  await updraft('profile', 'add', 'toaster')
  const file = join(platform.dataFolder, 'small.bin')
  await writeFile(file, 'small')
  const add = [
    'package',
    'add',
    file,
    '--title',
    'crumbs',
    '--version',
    '1',
    '--profile',
    'toaster',
  ]
  await updraft(...add)
  const env = { UPDRAFT_URL: platform.url, UPDRAFT_TOKEN: ADMIN_TOKEN }
  const again = await run('updraft', [...add, '--json'], env)
  expect(again).toMatchObject({ exitCode: 1, stdout: '' })
  expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'release.duplicate' } })
  const wrong = await run('updraft', ['assign', 'crumbs@1', '--profile', 'pc'], env)
  expect(wrong.exitCode).toBe(1)
  expect(wrong.stderr).toContain('toaster')
})
