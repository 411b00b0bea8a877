/** What a file's name says of the package in it: most are named after title and version already. */

/** Empty where the name holds none. */
export interface Guess {
  readonly title: string
  readonly version: string
}

/** A browser's mark of a second copy. */
const COPY = / ?\(\d+\)$/
/** Letters first: what begins with a digit belongs to a version. */
const EXTENSION = /\.(?!v\d)([a-z][a-z0-9]{0,7})$/i
/** There is another one before these. */
const WRAPPING = /^(gz|xz|zst|bz2|lz4|zip|enc|sig|signed|asc)$/i

/** What may follow the numbers of a version and belongs to it: a pre-release, a build, what git describes. */
const SUFFIX = String.raw`(?:[-._+~]?(?:alpha|beta|rc|pre|dev|snapshot|nightly|build|hotfix)(?:[-.]?\d+)*|-\d+-g[0-9a-f]{7,40}(?:-dirty)?|\+[0-9a-z.-]+)*`
/** Most telling first. */
const VERSIONS = [
  String.raw`\d+(?:\.\d+)+${SUFFIX}`,
  String.raw`\d+(?:_\d+)+${SUFFIX}`,
  // A day, perhaps with a time.
  String.raw`20\d{2}-?\d{2}-?\d{2}(?:[-T]?\d{4,6})?`,
  String.raw`(?<=v)\d+${SUFFIX}`,
  String.raw`\d+${SUFFIX}$`,
].map((digits) => new RegExp(`(?:^|[-_ .])v?(?<version>${digits})(?![0-9a-z])`, 'i'))

/** Title and version out of the name of a file, as far as they are in it. */
export function guessFromName(fileName: string): Guess {
  const stem = stemOf(fileName.trim())
  for (const pattern of VERSIONS) {
    const found = pattern.exec(stem)
    const version = found?.groups?.version
    if (!found || version === undefined) continue
    const title = trimmed(stem.slice(0, found.index) + stem.slice(found.index + found[0].length))
    return { title, version: version.replace(/(?<=\d)_(?=\d)/g, '.') }
  }
  return { title: trimmed(stem), version: '' }
}

function stemOf(name: string): string {
  let stem = name
  for (;;) {
    const extension = EXTENSION.exec(stem)
    if (!extension || extension.index === 0) break
    stem = stem.slice(0, extension.index)
    if (!WRAPPING.test(extension[1] ?? '')) break
  }
  return stem.replace(COPY, '')
}

const trimmed = (text: string): string => text.replace(/^[-_ .]+|[-_ .]+$/g, '')
