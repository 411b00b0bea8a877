/**
 * An S3 for tests: a real server from PyPI behind a gate of ours, which checks every signature and checksum as S3 does,
 * and which a test can have fail, cut lines, or be away.
 */
import { spawn } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { pythonWith } from './services.mjs'

export interface S3Key {
  readonly id: string
  readonly secret: string
}

/** The key that may do everything, and one that may only look. */
export const S3_KEY: S3Key = { id: 'AKIAUPDRAFTTEST00001', secret: 'a secret of a test' }
export const S3_READER: S3Key = { id: 'AKIAUPDRAFTTEST00002', secret: 'another secret of a test' }

/** What was asked: `GET /bucket/key?query`. */
export type Fault = (asked: string) => 'pass' | 'cut' | 'fail'

export interface TestS3 {
  readonly endpoint: string
  /** All that was asked and let through, in order. */
  readonly asked: string[]
  /** Decides about each request from now on. */
  set fault(fault: Fault)
  /** Cuts the lines of all that is being answered at the moment. */
  cutAnswers(): void
  stop(): Promise<void>
}

/** Undefined where the server cannot be had. */
export async function testS3(): Promise<TestS3 | undefined> {
  const python = await pythonWith('moto')
  if (!python) return undefined
  const child = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const closed = once(child, 'close')
  const port = await portOf(child.stderr)
  let fault: Fault = () => 'pass'
  const asked: string[] = []
  const answering = new Set<ServerResponse>()
  const gate = createServer((incoming, reply) => {
    void pass(incoming, reply).catch(() => incoming.destroy())
  })

  async function pass(incoming: IncomingMessage, reply: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = incoming
    const what = `${method} ${url}`
    const verdict = fault(what)
    if (verdict === 'cut') {
      incoming.socket.destroy()
      return
    }
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece)
    const body = Buffer.concat(pieces)
    const refusal =
      verdict === 'fail' ? ([500, 'InternalError'] as const) : refusalOf(incoming, body)
    if (refusal) {
      const [status, code] = refusal
      reply.writeHead(status, { 'content-type': 'application/xml' })
      reply.end(
        method === 'HEAD'
          ? undefined
          : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} of a test</Message></Error>`,
      )
      return
    }
    asked.push(what)
    const onward = request(
      { host: '127.0.0.1', port, method, path: url, headers: { ...headers, connection: 'close' } },
      (answer) => {
        reply.writeHead(answer.statusCode ?? 500, answer.headers)
        answering.add(reply)
        reply.once('close', () => answering.delete(reply))
        answer.pipe(reply)
        answer.on('error', () => reply.destroy())
      },
    )
    onward.on('error', () => reply.destroy())
    onward.end(body)
  }

  gate.listen(0, '127.0.0.1')
  await once(gate, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(gate.address() as AddressInfo).port}`,
    asked,
    set fault(to: Fault) {
      fault = to
    },
    cutAnswers: () => {
      for (const reply of answering) reply.destroy()
    },
    stop: async () => {
      gate.closeAllConnections()
      gate.close()
      child.kill('SIGKILL')
      await closed
    },
  }
}

async function portOf(complaints: NodeJS.ReadableStream): Promise<number> {
  const said: string[] = []
  for await (const line of createInterface({ input: complaints })) {
    said.push(line)
    const port = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (port) {
      complaints.resume()
      return Number(port)
    }
  }
  throw new Error(`The S3 of the tests did not start:\n${said.join('\n')}`)
}

const sha256 = (data: Buffer | string) => createHash('sha256').update(data)
const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest()

/** What S3 would say to it before it looks at what is asked; null when all is well. */
function refusalOf(incoming: IncomingMessage, body: Buffer): readonly [number, string] | null {
  const { method = '', url = '', headers } = incoming
  const [path = '', query = ''] = url.split('?')
  const pairs = query.split('&').filter((pair) => pair !== '')
  const asked = new URLSearchParams(query)
  const isSigned = asked.has('X-Amz-Signature')
  const header = /Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)/.exec(
    headers.authorization ?? '',
  )
  // S3 takes one or the other.
  if (isSigned === Boolean(headers.authorization)) return [400, 'InvalidArgument']
  const credential = (isSigned ? asked.get('X-Amz-Credential') : header?.[1]) ?? ''
  const names = (isSigned ? asked.get('X-Amz-SignedHeaders') : header?.[2]) ?? ''
  const signature = isSigned ? asked.get('X-Amz-Signature') : header?.[3]
  const date = (isSigned ? asked.get('X-Amz-Date') : headers['x-amz-date']?.toString()) ?? ''
  const [id, day = '', region = '', service = ''] = credential.split('/')
  const key = [S3_KEY, S3_READER].find((each) => each.id === id)
  if (!key) return [403, 'InvalidAccessKeyId']
  const declared = headers['x-amz-content-sha256']?.toString()
  const payload = isSigned ? 'UNSIGNED-PAYLOAD' : (declared ?? '')
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body).digest('hex')) {
    return [400, 'XAmzContentSHA256Mismatch']
  }
  const canonical = [
    method,
    path,
    pairs
      .filter((pair) => !pair.startsWith('X-Amz-Signature='))
      .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
      .sort()
      .join('&'),
    ...names.split(';').map((name) => `${name}:${headers[name]?.toString().trim()}`),
    '',
    names,
    payload,
  ].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical).digest('hex')].join('\n')
  const signing = [day, region, service, 'aws4_request'].reduce<Buffer | string>(
    hmac,
    `AWS4${key.secret}`,
  )
  if (hmac(signing as Buffer, text).toString('hex') !== signature)
    return [403, 'SignatureDoesNotMatch']
  if (isSigned && isOver(date, Number(asked.get('X-Amz-Expires')))) return [403, 'AccessDenied']
  if (key === S3_READER && !['GET', 'HEAD'].includes(method)) return [403, 'AccessDenied']
  const checksum = headers['x-amz-checksum-sha256']
  if (checksum && checksum !== sha256(body).digest('base64')) return [400, 'BadDigest']
  return null
}

/** No more than seven days are taken. */
function isOver(date: string, seconds: number): boolean {
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  return !(seconds <= 604_800) || Date.now() > new Date(iso).getTime() + seconds * 1000
}
