/** What tests of upstream need: a repository with some files, a cache, and ways to spoil it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { silentLog } from '../../log.ts'
import { temporaryFolder } from '../../test-bench.test-helper.ts'
import { type Content, GitServer, Repository } from './git-server.test-helper.ts'
import { type GitUpstreamOptions, gitUpstream } from './git-upstream.ts'
import type { BroughtCommit, Upstream, WantedCode } from './upstream.ts'

/** A small service. */
export const FILES: Record<string, Content> = {
  'main.js': 'console.log(1)\n',
  'web/index.html': '<p>one</p>\n',
  'web/empty': '',
  'addons/hw/driver.js': 'export {}\n',
  'addons/shop/big.js': 'x'.repeat(10_000),
  'bin/start': { executable: '#!/bin/sh\n' },
  'web/home': { link: 'index.html' },
}

/** So many files of a thousand bytes that cannot be packed. */
export function many(count: number): Record<string, Content> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `part-${at}/file`,
      Buffer.concat(
        Array.from({ length: 32 }, (_, block) =>
          createHash('sha256').update(`${at} ${block}`).digest(),
        ),
      ),
    ]),
  )
}

/** Of 400 files the third batch is the largest, with 208; and the lists come once more. */
export const largestBatch = (whole: number) => whole * 0.65

/** Bytes of one file changed, cut off or gone, as a bad card does it. */
export async function damage(folder: string, random: () => number): Promise<string> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = all.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name))
  const file = files[Math.floor(random() * files.length)] ?? ''
  await chmod(file, 0o600)
  const bytes = await readFile(file)
  const at = Math.floor(random() * bytes.length)
  const kind = ['gone', 'cut', 'empty', 'zeros', 'flipped'][Math.floor(random() * 5)] ?? ''
  if (kind === 'gone') await rm(file)
  else if (kind === 'cut') await writeFile(file, bytes.subarray(0, at))
  else if (kind === 'empty') await writeFile(file, '')
  else if (kind === 'zeros') await writeFile(file, Buffer.from(bytes).fill(0, at))
  else {
    bytes[at] = (bytes[at] ?? 0) ^ 0x55
    await writeFile(file, bytes)
  }
  return `${file.slice(folder.length)} ${kind}`
}

/** Programs that have that repository as theirs. */
export async function gitsAt(folder: string): Promise<number[]> {
  const found: number[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (environment.split('\0').includes(`GIT_DIR=${folder}`)) found.push(Number(pid))
  }
  return found
}

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was quicker.
  }
}

export function bringInOwnProgram(about: Record<string, string>): ChildProcess {
  const program = fileURLToPath(new URL('bring-child.test-helper.ts', import.meta.url))
  return spawn(process.execPath, [program, JSON.stringify(about)], { stdio: 'ignore' })
}

export const ended = (child: ChildProcess): Promise<unknown> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', resolve))

/** For what is not to be stopped. */
export const NEVER = new AbortController().signal

export async function upstreamWith(
  files: Record<string, Content>,
  how: { filters?: boolean; format?: string } = {},
): Promise<{ repository: Repository; server: GitServer }> {
  const repository = await Repository.make(how)
  await repository.commit(files)
  return { repository, server: await GitServer.start(repository) }
}

export async function cachedUpstream(
  url: string,
  more: Partial<GitUpstreamOptions> = {},
): Promise<Upstream> {
  return gitUpstream({
    url,
    folder: join(await temporaryFolder(), 'upstream.git'),
    environment: process.env,
    log: silentLog,
    random: () => 0,
    ...more,
  })
}

export interface Brought {
  readonly commit: string
  readonly committedAt: string | null
  readonly kinds: Record<string, string>
  readonly texts: Record<string, string>
}

export function bring(upstream: Upstream, wanted: Partial<WantedCode> = {}): Promise<Brought> {
  return upstream.bring(
    { branch: '17.0', paths: [], onProgress: () => {}, signal: NEVER, ...wanted },
    readAll,
  )
}

export async function readAll({ commit, committedAt, tree }: BroughtCommit): Promise<Brought> {
  const read: [path: string, kind: string, text: string][] = []
  for (const file of tree.files) {
    const pieces: Buffer[] = []
    for await (const piece of tree.read(file)) pieces.push(piece)
    const bytes = Buffer.concat(pieces)
    expect(bytes.length).toBe(file.sizeBytes)
    read.push([file.path, file.kind, bytes.toString('utf8')])
  }
  read.sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    commit,
    committedAt,
    kinds: Object.fromEntries(read.map(([path, kind]) => [path, kind])),
    texts: Object.fromEntries(read.map(([path, , text]) => [path, text])),
  }
}
