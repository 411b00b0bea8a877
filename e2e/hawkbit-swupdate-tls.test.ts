/** SWUpdate as Debian has it, over https, with a certificate of its own and no token. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chainOf, makeTestCertificate } from '../tools/test-certificates.ts'
import { random } from './firmware.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import {
  makeSwu,
  makeSwuSigner,
  type RunningSwupdate,
  type SwuSigner,
  startSwupdate,
  swupdateProgram,
} from './swupdate.ts'

const program = await swupdateProgram()
/** Of the file, so many bytes come at first. */
const CUT_AFTER_BYTES = 400_000

let platform: TestPlatform
let folder: string
let signer: SwuSigner
let line: { readonly port: number; readonly server: Server; cuts: number }
const running = new Set<RunningSwupdate>()
/** Requests that were answered: method, path, status. */
const answered: { method: string; url: string; status: number }[] = []

beforeAll(async () => {
  if (!program) return
  folder = await mkdtemp(join(tmpdir(), 'updraft-swupdate-tls-'))
  signer = await makeSwuSigner(folder)
  const write = (text: string) => {
    const { msg, ...details } = JSON.parse(text)
    if (msg === 'answered') answered.push(details)
  }
  platform = await testPlatform({}, { log: pino({ level: 'debug' }, { write }) })
  line = await cuttingLine(new URL(platform.url).port)
  const id = await platform.addProfile('board')
  const maker = await makeTestCertificate('CN=A maker', { isAuthority: true })
  const works = await makeTestCertificate('CN=Works 1', { isAuthority: true, signedBy: maker })
  const device = await makeTestCertificate('CN=board-1', { signedBy: works })
  const { certificate } = await platform.api('showDeviceAuthority', {})
  await Promise.all([
    writeFile(join(folder, 'server-ca.pem'), certificate),
    writeFile(join(folder, 'board-1.pem'), chainOf(device, works)),
    writeFile(join(folder, 'board-1.key'), device.key),
  ])
  await platform.api('changeHawkbitSettings', {
    params: { id },
    body: {
      client: 'swupdate',
      pollSeconds: 1,
      authorities: [maker.certificate],
      targetToken: false,
    },
  })
  await platform.addDevice('board-1', 'board')
})
afterAll(async () => {
  for (const each of running) await each.stop()
  running.clear()
  line?.server.close()
  await platform?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})

/** Hands bytes on both ways; the first connection over which many come is cut. */
async function cuttingLine(port: string): Promise<typeof line> {
  const server = createServer((socket) => {
    const onward: Socket = connect(Number(port), '127.0.0.1')
    for (const each of [socket, onward]) each.on('error', () => {})
    socket.once('close', () => onward.destroy())
    onward.once('close', () => socket.destroy())
    let count = 0
    socket.pipe(onward)
    onward.on('data', (piece) => {
      count += piece.length
      socket.write(piece)
      if (made.cuts > 0 || count < CUT_AFTER_BYTES) return
      made.cuts += 1
      socket.destroy()
    })
  })
  const made = { port: 0, server, cuts: 0 }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  made.port = (server.address() as AddressInfo).port
  return made
}

async function start({ afterBoot }: { afterBoot?: 2 } = {}) {
  const config = `globals : { verbose = true; };
identify : ( { name = "board"; value = "e2e"; } );
suricatta :
{
  tenant  = "default";
  id      = "board-1";
  url     = "https://127.0.0.1:${line.port}";
  sslcert = "${join(folder, 'board-1.pem')}";
  sslkey  = "${join(folder, 'board-1.key')}";
  cafile  = "${join(folder, 'server-ca.pem')}";
};
`
  const server = afterBoot ? `-c ${afterBoot}` : ''
  const started = await startSwupdate({
    program: program ?? '',
    signer,
    config,
    server,
    state: folder,
  })
  running.add(started)
  return started
}

describe.skipIf(!program)('SWUpdate with a certificate', { timeout: 180_000 }, () => {
  test('updates over https, goes on after a break, and reports after its reboot', async () => {
    const bytes = random(2_000_000)
    const path = join(folder, 'installed')
    const swu = await makeSwu(join(folder, 'swu'), signer, {
      version: '2.0',
      files: [{ name: 'payload', bytes, path }],
    })
    const release = { title: 'rootfs', version: '2.0', profile: 'board', fileName: 'rootfs.swu' }
    await platform.assign(await platform.addRelease({ ...release, bytes: new Uint8Array(swu) }), {
      device: 'board-1',
    })
    const first = await start()
    await first.wrote('SWUPDATE successful')
    expect(await readFile(path)).toEqual(Buffer.from(bytes))
    expect(line.cuts).toBe(1)
    const fetched = answered.filter(
      ({ method, url }) => method === 'GET' && url.includes('/artifacts/'),
    )
    expect(fetched.map(({ status }) => status)).toContain(206)
    await first.stop()
    await start({ afterBoot: 2 })
    await platform.until('board-1', ({ operation }) => operation?.state === 'UPDATED')
    expect((await platform.device('board-1')).inventory).toMatchObject({
      attributes: { board: 'e2e' },
    })
  })
})
