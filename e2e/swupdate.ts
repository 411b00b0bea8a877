/**
 * SWUpdate from Debian, as other people's machines run it, and files for it to install: a `.swu` is a cpio archive with
 * a description first, its signature next, and then what the description names.
 * (sbabic.github.io/swupdate: "Software Management on embedded systems", "Update images from verified source")
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commandOf } from '../tools/services.mjs'

const call = promisify(execFile)

/** Where the programs lie; undefined where they cannot be had. */
export const swupdateProgram = (): Promise<string | undefined> => commandOf('swupdate')

/** What signs a `.swu`, and by what SWUpdate knows it. */
export interface SwuSigner {
  readonly certificate: string
  readonly key: string
}

/** SWUpdate takes signatures only of certificates that are made for it, by default for e-mail. */
export async function makeSwuSigner(folder: string, name = 'swu'): Promise<SwuSigner> {
  await mkdir(folder, { recursive: true })
  const [certificate, key] = [join(folder, `${name}.crt.pem`), join(folder, `${name}.key.pem`)]
  const uses = ['keyUsage=digitalSignature', 'extendedKeyUsage=emailProtection']
  await call('openssl', [
    'req',
    '-x509',
    ...['-newkey', 'rsa:2048', '-nodes', '-keyout', key],
    ...['-subj', `/CN=${name}`, '-days', '2', '-out', certificate],
    ...uses.flatMap((use) => ['-addext', use]),
  ])
  return { certificate, key }
}

export interface SwuContent extends SwuPieces {
  readonly version: string
  /** Revisions of the board it is made for; `BOARD_REVISION` is one of them unless said otherwise. */
  readonly hardware?: readonly string[]
  /** What is installed: for all, or by the name of the copy that is asked for, as in `-e stable,COPY`. */
  readonly copies?: Readonly<Record<string, SwuPieces>>
}

export interface SwuPieces {
  /** Bytes of files, and where on the machine they are put. */
  readonly files?: readonly { name: string; bytes: Uint8Array; path: string }[]
  /** Bytes of images, and the device, or the file that stands for one, onto which they are written as they come. */
  readonly images?: readonly { name: string; bytes: Uint8Array; device: string }[]
  /** Variables of the boot loader that are set once all is in place. */
  readonly bootenv?: Readonly<Record<string, string>>
}

/** The board as whom the program is run: `-H board:1.0`. */
export const BOARD = 'board'
export const BOARD_REVISION = '1.0'

/** A signed `.swu`, whole. */
export async function makeSwu(
  folder: string,
  signer: SwuSigner,
  content: SwuContent,
): Promise<Buffer> {
  await mkdir(folder, { recursive: true })
  const description = join(folder, 'sw-description')
  const signature = `${description}.sig`
  await writeFile(description, describe(content))
  await call('openssl', [
    ...['cms', '-sign', '-in', description, '-out', signature],
    ...['-signer', signer.certificate, '-inkey', signer.key],
    ...['-outform', 'DER', '-nosmimecap', '-binary'],
  ])
  return cpio([
    { name: 'sw-description', bytes: await readFile(description) },
    { name: 'sw-description.sig', bytes: await readFile(signature) },
    ...payloads(content),
  ])
}

/** Each file once, however many copies it is for. */
function payloads({ copies = {}, ...all }: SwuContent): { name: string; bytes: Uint8Array }[] {
  const pieces = [all, ...Object.values(copies)]
  const files = pieces.flatMap(({ images = [], files = [] }) => [...images, ...files])
  return [...new Map(files.map((file) => [file.name, file])).values()]
}

/** How it is started on this board; `state` holds its sockets, so that several can run on one machine. */
export function swupdateArguments(signer: SwuSigner): string[] {
  return ['-v', '-k', signer.certificate, '-H', `${BOARD}:${BOARD_REVISION}`]
}

export const swupdateEnvironment = (state: string): NodeJS.ProcessEnv => ({
  ...process.env,
  RUNTIME_DIRECTORY: state,
  TMPDIR: state,
})

export interface RunningSwupdate {
  /** What it has written so far. */
  log(): string
  /** Rejects when it ends without having written that. */
  wrote(text: string): Promise<void>
  /** At once, as when its power goes. */
  stop(): Promise<void>
}

/** Talks to a server; `config` and `server` say to which, `state` is the folder that is its machine. */
export async function startSwupdate({
  program,
  signer,
  config,
  server,
  state,
}: {
  program: string
  signer: SwuSigner
  config: string
  server: string
  state: string
}): Promise<RunningSwupdate> {
  await mkdir(state, { recursive: true })
  const path = join(state, 'swupdate.cfg')
  await writeFile(path, config)
  const child = spawn(program, [...swupdateArguments(signer), '-f', path, '-u', server], {
    cwd: state,
    env: swupdateEnvironment(state),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  let look = () => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece) => {
      log += piece
      look()
    })
  }
  child.once('exit', () => look())
  return {
    log: () => log,
    wrote: (text) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (log.includes(text)) resolve()
          else if (hasEnded(child)) reject(new Error(`It ended without "${text}":\n${log}`))
        }
        look()
      }),
    stop: async () => {
      if (hasEnded(child)) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null

/** In libconfig's language. */
function describe({ version, hardware = [BOARD_REVISION], copies, ...all }: SwuContent): string {
  const named = Object.entries(copies ?? {}).map(([name, of]) => `${name}: { ${listed(of)} };`)
  return `software =
{
  version = ${text(version)};
  hardware-compatibility: [ ${hardware.map(text).join(', ')} ];
  ${listed(all)}
  ${copies ? `stable: { ${named.join(' ')} };` : ''}
}
`
}

function listed({ images = [], files = [], bootenv = {} }: SwuPieces): string {
  const list = (name: string, groups: readonly string[]) =>
    groups.length > 0 ? `${name}: ( ${groups.join(', ')} );` : ''
  return [
    list(
      'images',
      images.map(({ name, bytes, device }) =>
        group({
          filename: text(name),
          device: text(device),
          type: text('raw'),
          sha256: text(sha256(bytes)),
          'installed-directly': 'true',
        }),
      ),
    ),
    list(
      'files',
      files.map(({ name, bytes, path }) =>
        group({ filename: text(name), path: text(path), sha256: text(sha256(bytes)) }),
      ),
    ),
    list(
      'bootenv',
      Object.entries(bootenv).map(([name, value]) =>
        group({ name: text(name), value: text(value) }),
      ),
    ),
  ].join(' ')
}

const text = (value: string): string => JSON.stringify(value)

const group = (fields: Readonly<Record<string, string>>): string =>
  `{ ${Object.entries(fields)
    .map(([name, value]) => `${name} = ${value};`)
    .join(' ')} }`

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The format that `cpio -H crc` writes: heads of text, and the sum of each file's bytes. */
function cpio(files: readonly { name: string; bytes: Uint8Array }[]): Buffer {
  const entries = [...files, { name: 'TRAILER!!!', bytes: new Uint8Array() }]
  return Buffer.concat(
    entries.flatMap(({ name, bytes }, index) => {
      const isTrailer = index === files.length
      const fields = [
        isTrailer ? 0 : index + 1,
        isTrailer ? 0 : 0o100644,
        ...[0, 0, 1, 0],
        bytes.length,
        ...[0, 0, 0, 0],
        name.length + 1,
        bytes.reduce((sum, byte) => (sum + byte) >>> 0, 0),
      ]
      const hex = fields.map((field) => field.toString(16).padStart(8, '0')).join('')
      const head = Buffer.from(`070702${hex}${name}\0`, 'latin1')
      return [head, padding(head.length), bytes, padding(bytes.length)]
    }),
  )
}

const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4)
