/** A repository somebody commits to, served as the big houses serve theirs: over HTTP by git's own program. */
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createGunzip } from 'node:zlib'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from '../../test-bench.test-helper.ts'

const run = promisify(execFile)

/** Of a file: its text; `{ link }` and `{ executable }` are what they say; null removes it. */
export type Content = string | Buffer | { link: string } | { executable: string } | null

export class Repository {
  readonly bare: string
  readonly #work: string

  private constructor(folder: string) {
    this.bare = join(folder, 'upstream.git')
    this.#work = join(folder, 'work')
  }

  /** With a branch 17.0 and nothing on it yet. `filters`: whether it lets itself be asked for parts. */
  static async make({ filters = true, format = 'sha1' } = {}): Promise<Repository> {
    const repository = new Repository(await temporaryFolder())
    const { bare } = repository
    await run('git', ['init', '-q', '--bare', `--object-format=${format}`, bare])
    await repository.#in(bare, 'config', 'uploadpack.allowFilter', String(filters))
    await repository.#in(bare, 'config', 'http.receivepack', 'false')
    await run('git', ['init', '-q', '-b', '17.0', `--object-format=${format}`, repository.#work])
    return repository
  }

  /** The new commit of the branch. */
  async commit(files: Readonly<Record<string, Content>>, branch = '17.0'): Promise<string> {
    const heads = await this.#in(this.#work, 'branch', '--list', '--format=%(refname:short)')
    const isThere = heads.split('\n').includes(branch)
    const isCurrent =
      (await this.#in(this.#work, 'symbolic-ref', '--short', 'HEAD')).trim() === branch
    if (!isCurrent) await this.#in(this.#work, 'checkout', '-q', ...(isThere ? [] : ['-b']), branch)
    for (const [path, content] of Object.entries(files)) await this.#put(path, content)
    await this.#in(this.#work, 'add', '-A')
    await this.#in(this.#work, 'commit', '-q', '--allow-empty', '-m', 'a change')
    await this.push(branch)
    return (await this.#in(this.#work, 'rev-parse', 'HEAD')).trim()
  }

  async push(branch: string): Promise<void> {
    await this.#in(this.#work, 'push', '-q', '-f', this.bare, `HEAD:refs/heads/${branch}`)
  }

  /** A commit of a tree that no git program would make. */
  async commitTree(lines: readonly string[], branch = '17.0'): Promise<string> {
    const made = run('git', ['-C', this.#work, 'mktree', '--missing'], { env: WHO })
    made.child.stdin?.end(lines.map((line) => `${line}\n`).join(''))
    const tree = (await made).stdout.trim()
    const commit = (await this.#in(this.#work, 'commit-tree', '-m', 'odd', tree)).trim()
    await this.#in(this.#work, 'push', '-q', '-f', this.bare, `${commit}:refs/heads/${branch}`)
    return commit
  }

  async blob(text: string): Promise<string> {
    const made = run('git', ['-C', this.#work, 'hash-object', '-w', '--stdin'])
    made.child.stdin?.end(text)
    return (await made).stdout.trim()
  }

  async #put(path: string, content: Content): Promise<void> {
    const file = join(this.#work, path)
    await rm(file, { recursive: true, force: true })
    if (content === null) return
    await mkdir(dirname(file), { recursive: true })
    if (typeof content === 'string' || Buffer.isBuffer(content)) await writeFile(file, content)
    else if ('link' in content) await symlink(content.link, file)
    else {
      await writeFile(file, content.executable)
      await chmod(file, 0o755)
    }
  }

  async #in(folder: string, ...parameters: string[]): Promise<string> {
    return (await run('git', ['-C', folder, ...parameters], { env: WHO })).stdout
  }
}

const WHO = {
  PATH: process.env.PATH,
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
}

/** What the line does to the answer of a request; it is asked anew for each. */
export interface Line {
  /** Cuts the connection after so many bytes of packs, counted over all requests from now on. */
  cutAfterBytes?: number
  /** Rests so long before the first byte of a pack. */
  stallMs?: number
  /** A page of HTML with 200, as networks answer that want to be logged in to. */
  isCaptive?: boolean
  /** Nobody answers once the connection was cut. */
  diesWhenCut?: boolean
  isDead?: boolean
  /** Wants a name and a password. */
  isLocked?: boolean
}

export class GitServer {
  line: Line = {}
  /** Bytes of answers that carry packs, and how many such requests there were. */
  packBytes = 0
  packRequests = 0
  requests = 0
  readonly #repository: Repository
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(repository: Repository) {
    this.#repository = repository
    this.#server = createServer((request, response) => void this.#answer(request, response))
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  static async start(repository: Repository): Promise<GitServer> {
    const server = new GitServer(repository)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => server.down())
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/upstream.git`
  }

  async down(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (!this.#server.listening) return
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests += 1
    const { isCaptive, stallMs, isDead } = this.line
    if (isDead) return void request.socket.destroy()
    if (isCaptive) {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<html><title>Welcome</title><form action=/login></form></html>')
      return
    }
    if (this.line.isLocked) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
      return
    }
    const url = new URL(request.url ?? '/', 'http://x')
    const asked: Buffer[] = []
    const body =
      request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request
    body.on('data', (piece: Buffer) => asked.push(piece))
    body.once('end', () => {
      const bytes = Buffer.concat(asked)
      const isPack = bytes.includes('command=fetch')
      if (isPack) this.packRequests += 1
      const serve = () => this.#run(request, url, bytes, isPack, response)
      if (isPack && stallMs) setTimeout(serve, stallMs)
      else serve()
    })
  }

  #run(
    request: IncomingMessage,
    url: URL,
    body: Buffer,
    isPack: boolean,
    response: ServerResponse,
  ): void {
    const backend = spawn('git', ['http-backend'], {
      env: {
        ...WHO,
        GIT_PROJECT_ROOT: dirname(this.#repository.bare),
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        CONTENT_LENGTH: String(body.length),
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REMOTE_ADDR: '127.0.0.1',
      },
    })
    backend.stdin.on('error', () => {})
    backend.stdin.end(body)
    let head: string | null = ''
    backend.stdout.on('data', (piece: Buffer) => {
      let rest = piece
      if (head !== null) {
        head += piece.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        rest = Buffer.from(head.slice(end + 4), 'latin1')
        writeHead(response, head.slice(0, end))
        head = null
      }
      this.#send(rest, isPack, response)
    })
    backend.stdout.once('end', () => response.end())
    response.once('close', () => backend.kill())
  }

  #send(piece: Buffer, isPack: boolean, response: ServerResponse): void {
    if (response.destroyed) return
    const left = this.line.cutAfterBytes
    if (!isPack || left === undefined) {
      if (isPack) this.packBytes += piece.length
      response.write(piece)
      return
    }
    const passed = piece.subarray(0, left)
    this.packBytes += passed.length
    this.line.cutAfterBytes = left - passed.length
    response.write(passed)
    if (left > piece.length) return
    this.line.cutAfterBytes = undefined
    this.line.isDead = this.line.diesWhenCut
    // What was let through gets there first.
    response.socket?.end()
    response.destroy()
  }
}

function writeHead(response: ServerResponse, head: string): void {
  const fields = head.split('\r\n').map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  const { status, ...headers } = Object.fromEntries(fields)
  response.writeHead(Number(status?.split(' ')[0] ?? 200), headers)
}
