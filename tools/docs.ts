// Reads our documents and finds what they name that is not there: paths, commands, links, anchors.

import { posix } from 'node:path'

/** What documents may name: the files of the repository, and the scripts of its package.json. */
export type Repository = {
  /** Every file, from the root, with forward slashes. */
  readonly files: ReadonlySet<string>
  readonly scripts: ReadonlySet<string>
  /** The text of a document, for the anchors in it. */
  readonly read: (file: string) => string
}

/** Files of these kinds are ours when a document names them, with or without their folder. */
const SOURCE = /\.(ts|tsx|mjs|sql)$/
const KNOWN = /\.(ts|tsx|mjs|js|json|md|sql|sh|yml|yaml|css|html)$/

/** A path to be filled in, such as packages/wire/src/NAME.ts. */
const PLACEHOLDER = /(^|\/)(NAME|NNNN)\b/

/** npm commands that need no script. */
const NPM_ITSELF = new Set(['ci', 'install', 'run', 'exec', 'pack', 'rebuild', 'update', 'audit'])

/** Each fault as a line: file:line, what it names, what is wrong with it. */
export function faultsOf(file: string, text: string, repository: Repository): string[] {
  const folders = foldersOf(repository.files)
  const faults: string[] = []
  let fence = ''
  for (const [index, line] of text.split('\n').entries()) {
    const say = (what: string) => faults.push(`${file}:${index + 1} ${what}`)
    for (const command of commandsIn(line)) {
      if (!repository.scripts.has(command))
        say(`names the script ${command}, which package.json has not`)
    }
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1] ?? ''
    if (mark && (fence === '' || mark.startsWith(fence))) fence = fence === '' ? mark : ''
    else if (fence === '') {
      for (const path of pathsIn(line, file, folders)) {
        if (!exists(path, file, repository.files, folders)) say(`names ${path}, which is not there`)
      }
      for (const target of linksIn(line)) {
        const fault = linkFault(target, file, repository, folders)
        if (fault) say(fault)
      }
    }
  }
  return faults
}

function commandsIn(line: string): string[] {
  const run = [...line.matchAll(/\bnpm run ([a-z][\w:.-]*[\w])/g)].map((match) => match[1] ?? '')
  const short = [...line.matchAll(/`(?:[A-Z_]+=\S* )*npm ([a-z]+)\b/g)].map(
    (match) => match[1] ?? '',
  )
  return [...run, ...short.filter((word) => !NPM_ITSELF.has(word))]
}

/** The words in backticks that can only be meant as paths of this repository. */
function pathsIn(line: string, file: string, folders: ReadonlySet<string>): string[] {
  const words = [...line.matchAll(/`([^`]+)`/g)].flatMap((match) => (match[1] ?? '').split(/\s+/))
  return words
    .map((word) => word.replace(/^\.\//, '').replace(/:\d+$/, ''))
    .filter(
      (word) => /^[\w.@*{},/-]+$/.test(word) && !word.startsWith('/') && !word.startsWith('@'),
    )
    .filter((word) => !PLACEHOLDER.test(word) && looksOurs(word, file, folders))
}

function looksOurs(word: string, file: string, folders: ReadonlySet<string>): boolean {
  const [first = '', ...rest] = word.split('/')
  if (rest.length > 0 && folders.has(first) && isTop(first)) return true
  if (file.startsWith('docs/dialects/')) return false
  if (rest.length === 0) return SOURCE.test(word) && !word.startsWith('.')
  return KNOWN.test(word) && !/[A-Z]{2}/.test(first)
}

const isTop = (folder: string) => !folder.includes('/')

/** A path may be written from the root, from the document, or from a package or a room of the server. */
function exists(
  path: string,
  file: string,
  files: ReadonlySet<string>,
  folders: ReadonlySet<string>,
): boolean {
  const bare = path.replace(/\/$/, '')
  const [, before, among, after] = /^(.*?)\{(.*?)\}(.*)$/.exec(bare) ?? []
  if (among !== undefined) {
    const each = among.split(',').map((one) => `${before}${one}${after}`)
    return each.every((one) => exists(one, file, files, folders))
  }
  if (bare.includes('*')) {
    return [...files, ...folders].some((each) => posix.matchesGlob(each, `{${bare},**/${bare}}`))
  }
  const [first, ...rest] = bare.split('/')
  const candidates = [
    bare,
    posix.join(posix.dirname(file), bare),
    `packages/${bare}`,
    `packages/${first}/src/${rest.join('/')}`,
    `packages/server/src/${bare}`,
  ]
  if (candidates.some((each) => files.has(each) || folders.has(each))) return true
  return !bare.includes('/') && [...files].some((each) => each.endsWith(`/${bare}`))
}

function linksIn(line: string): string[] {
  const text = line.replace(/`[^`]*`/g, '')
  const inline = [...text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)]
  const defined = [...text.matchAll(/^\s*\[[^\]]+\]:\s+(\S+)/g)]
  const raw = [...text.matchAll(/\b(?:src|href)="([^"]+)"/g)]
  return [...inline, ...defined, ...raw].map((match) => match[1] ?? '')
}

function linkFault(
  target: string,
  file: string,
  { files, read }: Repository,
  folders: ReadonlySet<string>,
): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined
  const [path = '', anchor] = decodeURI(target).split('#')
  const to = path === '' ? file : posix.join(posix.dirname(file), path).replace(/\/$/, '')
  if (!files.has(to) && !folders.has(to)) return `links to ${target}, which is not there`
  if (anchor && to.endsWith('.md') && !anchorsOf(read(to)).has(anchor)) {
    return `links to ${target}, but ${to} has no such heading`
  }
  return undefined
}

/** The anchors that a document's headings get where code is hosted, and those it sets itself. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set(
    [...text.matchAll(/\b(?:id|name)="([^"]+)"/g)].map((match) => match[1] ?? ''),
  )
  const seen = new Map<string, number>()
  const prose = text.replace(/^\s*(`{3,}|~{3,})[\s\S]*?^\s*\1/gm, '')
  for (const [, heading = ''] of prose.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = words.replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '').replaceAll(' ', '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    anchors.add(count === 0 ? slug : `${slug}-${count}`)
  }
  return anchors
}

function foldersOf(files: ReadonlySet<string>): Set<string> {
  const folders = new Set<string>()
  for (const file of files) {
    for (let folder = posix.dirname(file); folder !== '.'; folder = posix.dirname(folder)) {
      folders.add(folder)
    }
  }
  return folders
}
