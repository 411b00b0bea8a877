import { access } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Client } from '@updraft/api/client'
import type { Release } from '@updraft/api/shapes'
import { checksumAlgorithm, createRelease } from '@updraft/core'
import {
  command,
  count,
  type Door,
  listFlags,
  many,
  needed,
  text,
  withStandard,
} from '../command.ts'
import { downloadToFile, fileNameOf, receive } from '../download.ts'
import { fileTrouble, Refusal, WrongWords } from '../errors.ts'
import { findProfile, findRelease, listAll, type ReleaseName } from '../lookup.ts'
import { bytesText, type Column, facts, type Look, listText, nameOf, timeText } from '../print.ts'
import { uploadFile } from '../upload.ts'

const addFlags = {
  url: text('--url <url>', 'where devices fetch it, instead of a file kept here'),
  title: needed('--title <title>', 'name of the package'),
  version: needed('--version <version>', 'this version of it'),
  profile: needed('--profile <name>', 'profile of the devices it is made for'),
  type: withStandard('--type <type>', 'what it replaces: firmware, software, …', 'firmware'),
  checksumAlgorithm: text(
    '--checksum-algorithm <name>',
    'the checksum devices are told: MD5, SHA256, SHA384, SHA512, CRC32, MURMUR3_32 or MURMUR3_128 (default: SHA256)',
  ),
  checksum: text('--checksum <hex>', 'refuse the file if it differs'),
  tag: text('--tag <tag>', 'a tag that devices are told'),
  description: text('--description <text>', 'what is new'),
  requirement: text(
    '--requirement <text>',
    'installed versions it may start from, e.g. ">= 2.1.3"',
  ),
  needs: many(
    '--needs <type=versions...>',
    "what other components have to run for it, e.g. image='>= 24.10'",
  ),
  size: count('--size <bytes>', 'size of what is at the --url'),
}

interface Draft extends ReleaseName {
  readonly type: string
  readonly profileId: string
  readonly tag?: string
  readonly description?: string
  readonly requirement?: string
  readonly needs?: Readonly<Record<string, string>>
  readonly checksumAlgorithm?: ReturnType<typeof checksumAlgorithm>
  readonly checksum?: string
}

export const packageCommands = [
  command({
    words: 'package add [file]',
    about: 'add a version of a package: a file, or a --url where devices fetch it',
    flags: addFlags,
    examples: [
      'updraft package add app.bin --title app --version 1.4.0 --profile Sensor',
      'updraft package add --url https://example.com/app.bin --title app --version 1.4.0 --profile Sensor',
    ],
    run: async (
      { file, url, size, profile, checksumAlgorithm: algorithm, needs, ...rest },
      door,
    ) => {
      if ((file === undefined) === (url === undefined)) {
        throw new WrongWords(
          file === undefined
            ? 'Say which FILE it is, or the --url where devices fetch it.'
            : 'A package is either a FILE or at a --url. (The server’s own address goes in front: updraft --url …)',
        )
      }
      if (size !== undefined && url === undefined) {
        throw new WrongWords('--size goes with --url; the size of a file is known.')
      }
      const isPublished = file !== undefined || rest.checksum !== undefined
      const draft: Draft = {
        ...rest,
        needs: needs && needsOf(needs),
        profileId: (await findProfile(door.client, profile)).id,
        checksumAlgorithm:
          algorithm || isPublished ? checksumAlgorithm(algorithm ?? 'SHA256') : undefined,
      }
      await checkDraft(draft, url, door.client)
      const release =
        file === undefined
          ? await door.client('createRelease', { body: { ...draft, url, sizeBytes: size } })
          : await addFile(draft, file, door)
      const size_ = release.sizeBytes === null ? '' : `, ${bytesText(release.sizeBytes)}`
      return {
        json: release,
        text: () =>
          `Added ${release.type} ${nameOf(release)} for profile ${release.profile}${size_}.`,
      }
    },
  }),
  command({
    words: 'package list',
    about: 'all versions of all packages',
    flags: {
      profile: text('--profile <name>', 'made for this profile'),
      type: text('--type <type>', 'of this component type'),
      search: text('--search <text>', 'text within titles'),
      ...listFlags,
    },
    run: async ({ profile, type, search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listReleases', { query: { ...query, profile, type, search } }),
      )
      return {
        json: page,
        text: (look) => listText(page, columns(look), 'There are no packages.', look),
      }
    },
  }),
  command({
    words: 'package show <title@version>',
    about: 'one version of a package, as title@version',
    examples: ['updraft package show app@1.4.0'],
    run: async ({ 'title@version': name }, { client }) => {
      const release = await findRelease(client, name)
      return {
        json: release,
        text: (look) =>
          facts(
            [
              ['Package', release.title],
              ['Version', release.version],
              ['Type', release.type],
              ['Profile', release.profile],
              ['Tag', release.tag],
              ['Description', release.description],
              ['Starts from', release.requirement],
              ['Needs', needsText(release.needs)],
              ['File', release.fileName],
              ['URL', release.url],
              ['Size', release.sizeBytes === null ? null : sizeText(release.sizeBytes)],
              ['SHA-256', release.sha256],
              [
                'Checksum',
                release.checksumAlgorithm === 'SHA256' && release.checksum === release.sha256
                  ? null
                  : release.checksum && `${release.checksumAlgorithm} ${release.checksum}`,
              ],
              ['Added', timeText(release.createdAt, look)],
            ],
            look,
          ),
      }
    },
  }),
  command({
    words: 'package download <title@version>',
    about: 'fetch the file of a version and check its SHA-256',
    flags: { out: text('--out <file>', 'name of the file; - is standard output') },
    examples: [
      'updraft package download app@1.4.0',
      'updraft package download app@1.4.0 --out - | tar t',
    ],
    run: async ({ 'title@version': name, out }, door) => {
      const release = await findRelease(door.client, name)
      if (release.url !== null && release.sha256 === null) {
        throw new Refusal({
          code: 'release.external',
          message: `${nameOf(release)} is not kept here; devices fetch it from ${release.url}.`,
          hint: `curl -O ${release.url}`,
        })
      }
      if (out === '-') {
        await receive(release, door, door.write)
        return undefined
      }
      const file = out ?? (await unusedName(release))
      const sizeBytes = await downloadToFile(release, file, door)
      return {
        json: { ...release, file },
        text: () => `Received ${file}, ${bytesText(sizeBytes)}; its SHA-256 is right.`,
      }
    },
  }),
  command({
    words: 'package remove <title@version>',
    about: 'remove a version; refused while it is assigned or being installed',
    run: async ({ 'title@version': name }, { client }) => {
      const { id, title, version } = await findRelease(client, name)
      await client('removeRelease', { params: { id } })
      return { json: { id, title, version }, text: () => `Removed ${title}@${version}.` }
    },
  }),
]

/** Says before an upload what the server would say after it: what is wrong with the draft, or that it exists. */
async function checkDraft(draft: Draft, url: string | undefined, client: Client): Promise<void> {
  const { checksum, checksumAlgorithm, ...rest } = draft
  const artifact = { sha256: '', sizeBytes: 1, fileName: '', contentType: '' }
  const known = checksum === undefined ? {} : { checksum, checksumAlgorithm }
  createRelease(
    { ...rest, ...known, artifact: url === undefined ? artifact : null, externalUrl: url },
    '',
    new Date(),
  )
  const { title, version } = draft
  const { items } = await client('listReleases', { query: { title, version, limit: 1 } })
  if (items.length === 0) return
  throw new Refusal({
    code: 'release.duplicate',
    message: `There is a package ${title}@${version} already.`,
    hint: 'A version never changes once it is there: give the new file a --version of its own.',
  })
}

async function addFile(draft: Draft, file: string, door: Door): Promise<Release> {
  const { checksumAlgorithm = 'SHA256', checksum } = draft
  const artifact = await uploadFile({ file, checksumAlgorithm, checksum }, door)
  return door.client('createRelease', {
    body: {
      ...draft,
      checksumAlgorithm,
      checksum: checksum ?? artifact.checksums[checksumAlgorithm] ?? artifact.sha256,
      sha256: artifact.sha256,
      fileName: basename(file),
    },
  })
}

/** The server names the file here, so it may not replace one that happens to have that name. */
async function unusedName(release: Release): Promise<string> {
  const file = fileNameOf(release)
  const isThere = await access(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? false : fileTrouble(file, error)),
  )
  if (!isThere) return file
  throw new Refusal({
    code: 'file.exists',
    message: `There is a file ${file} here already.`,
    hint: `Say with --out where to put it; --out ${file} replaces that file.`,
  })
}

const NEED = /^([^=\s]+)=\s*(\S.*)$/

/** `image=>= 24.10` */
const needsOf = (needs: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    needs.map((need) => {
      const [, type, wanted] = NEED.exec(need) ?? []
      if (type && wanted) return [type, wanted]
      throw new WrongWords(`--needs "${need}" is not written like image='>= 24.10'.`)
    }),
  )

const needsText = (needs: Release['needs']): string | null =>
  Object.entries(needs)
    .map(([type, wanted]) => `${type} ${wanted}`)
    .join(', ') || null

const sizeText = (bytes: number): string =>
  bytes < 1000 ? bytesText(bytes) : `${bytesText(bytes)} (${bytes.toLocaleString('en')} bytes)`

const columns = ({ now }: Look): readonly Column<Release>[] => [
  { title: 'Package', cell: ({ title }) => title },
  { title: 'Version', cell: ({ version }) => version },
  { title: 'Type', cell: ({ type }) => type },
  { title: 'Profile', cell: ({ profile }) => profile },
  {
    title: 'Size',
    cell: ({ sizeBytes }) => (sizeBytes === null ? null : bytesText(sizeBytes)),
    isNumber: true,
  },
  { title: 'Tag', cell: ({ tag }) => tag },
  {
    title: 'Added',
    cell: ({ createdAt }) => timeText(createdAt, { now }),
  },
]
