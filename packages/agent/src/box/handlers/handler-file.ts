/** Which files of a release are handlers, and by what each of them is run. */
import { basename, extname } from 'node:path/posix'
import type { Listing } from '../listing.ts'

/** A file that is loaded in a process of its own. */
export interface HandlerFile {
  /** From the top of the release: `drivers/scale.py`. */
  readonly path: string
  readonly kind: 'driver' | 'interface'
  readonly sha256: string
}

/** Lie beside handlers without being one. */
const NO_HANDLERS: ReadonlySet<string> = new Set(
  ['csv', 'html', 'ini', 'json', 'md', 'pem', 'pyc', 'toml', 'txt', 'xml', 'yaml', 'yml'].map(
    (extension) => `.${extension}`,
  ),
)

const BY_NODE: ReadonlySet<string> = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts'])

/**
 * Handlers lie right in drivers/ and interfaces/; what is deeper is theirs to use, and so is what begins with a dot or an
 * underscore.
 */
export const isHandler = (path: string): boolean =>
  /^(drivers|interfaces)\/[^/._][^/]*$/.test(path) && !NO_HANDLERS.has(extensionOf(path))

/** In the order in which they are started: what finds devices before what drives them. */
export const handlersIn = (listing: Listing): readonly HandlerFile[] =>
  (['interface', 'driver'] as const).flatMap((kind) =>
    listing
      .filter(({ path }) => path.startsWith(`${kind}s/`) && isHandler(path))
      .map(({ path, sha256 }) => ({ path, kind, sha256 })),
  )

/** `node` and `python` load it as a module; a program is run as it is. */
export function languageOf(path: string): 'node' | 'python' | 'program' {
  const extension = extensionOf(path)
  if (BY_NODE.has(extension)) return 'node'
  return extension === '.py' ? 'python' : 'program'
}

export const mayBeRun = (path: string): boolean => isHandler(path) && languageOf(path) === 'program'

export const extensionOf = (path: string): string => extname(basename(path)).toLowerCase()
