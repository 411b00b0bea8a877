/** A device that knows only curl. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Answer {
  readonly status: number
  readonly body: string
  json<T>(): T
}

/** Runs curl with those arguments; the status comes behind the body. */
export async function curl(...args: string[]): Promise<Answer> {
  const { stdout } = await run(
    'curl',
    ['--silent', '--show-error', '--write-out', '\n%{http_code}', ...args],
    {
      maxBuffer: 64 * 1024 * 1024,
    },
  )
  const cut = stdout.lastIndexOf('\n')
  const body = stdout.slice(0, cut)
  return { status: Number(stdout.slice(cut + 1)), body, json: <T>() => JSON.parse(body) as T }
}
