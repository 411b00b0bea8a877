import { basename } from 'node:path'
import {
  checksumAlgorithm,
  createRelease,
  DomainError,
  isNotBegun,
  isTerminal,
} from '@updraft/core'
import { command, count, type Door, needed, text, withStandard, yes } from '../command.ts'
import { Refusal, WrongWords } from '../errors.ts'
import { handlingFlags, handlingOf } from '../handling.ts'
import { findDevice } from '../lookup.ts'
import { nameOf } from '../print.ts'
import { uploadFile } from '../upload.ts'

export const updateCommands = [
  command({
    words: 'update <device> [file]',
    about:
      'bring one device a file, or what is at a --url, by hand and once; whether it fits the device is not checked',
    flags: {
      url: text('--url <url>', 'where the device fetches it, instead of a file'),
      title: needed('--title <title>', 'name of what is brought'),
      version: needed(
        '--version <version>',
        'version of it; the device has arrived once it says it runs it',
      ),
      type: withStandard('--type <type>', 'what it replaces: firmware, software, …', 'firmware'),
      checksumAlgorithm: text(
        '--checksum-algorithm <name>',
        'the checksum the device is told (default: SHA256)',
      ),
      checksum: text('--checksum <hex>', 'refuse the file if it differs'),
      size: count('--size <bytes>', 'size of what is at the --url'),
      ...handlingFlags,
      yes: yes('--yes', 'without asking whether it is meant so'),
    },
    examples: [
      'updraft update sensor-1 debug.bin --title app --version 1.4.0-debug',
      'updraft update sensor-1 --url https://example.com/debug.bin --title app --version 1.4.0-debug',
    ],
    run: async (
      {
        device: name,
        file,
        yes: isSure,
        size,
        soft,
        forced,
        forcedFrom,
        downloadOnly,
        windows,
        ...said
      },
      door,
    ) => {
      const handling = handlingOf({ soft, forced, forcedFrom, downloadOnly, windows })
      const { url, type, title, version } = said
      if ((file === undefined) === (url === undefined)) {
        throw new WrongWords(
          file === undefined
            ? 'Say which FILE it is, or the --url where the device fetches it.'
            : 'It is either a FILE or at a --url. (The server’s own address goes in front: updraft --url …)',
        )
      }
      if (size !== undefined && url === undefined) {
        throw new WrongWords('--size goes with --url; the size of a file is known.')
      }
      const device = await findDevice(door.client, name)
      check(said, device.components[type]?.operation ?? null)
      const what = nameOf({ title, version })
      door.remark(
        `Nothing is checked: not whether ${what} is made for profile ${device.profile}, nor whether ${name} can start from what it runs.`,
      )
      if (!isSure && !(await door.confirm(`Bring ${what} to ${name}?`))) {
        throw new Refusal({ code: 'not-confirmed', message: 'Nothing was brought.' })
      }
      const content =
        file === undefined ? { ...said, sizeBytes: size } : await sent(file, said, door)
      const operation = await door.client('updateByHand', {
        params: { id: device.id },
        body: { ...said, ...content, ...(handling && { handling }) },
      })
      return {
        json: operation,
        text: () =>
          `${name} will be offered ${type} ${nameOf(operation.release)}, by hand and once.`,
      }
    },
  }),
]

interface Said {
  readonly url?: string
  readonly title: string
  readonly version: string
  readonly type: string
  readonly checksumAlgorithm?: string
  readonly checksum?: string
}

/** Says before an upload what the server would say after it. */
function check(
  { url, checksumAlgorithm: algorithm, checksum, ...rest }: Said,
  operation: { readonly state: Parameters<typeof isTerminal>[0]; readonly release: Named } | null,
): void {
  const file = { sha256: '', sizeBytes: 1, fileName: '', contentType: '' }
  const known = checksum && {
    checksum,
    checksumAlgorithm: checksumAlgorithm(algorithm ?? 'SHA256'),
  }
  const draft = { ...rest, ...known, profileId: null, externalUrl: url }
  createRelease({ ...draft, artifact: url === undefined ? file : null }, '', new Date())
  if (!operation || isTerminal(operation.state) || isNotBegun(operation)) return
  throw new DomainError(
    'operation.under-way',
    `The device is at ${nameOf(operation.release)} already (${operation.state}); wait for its end, or cancel it.`,
  )
}

interface Named {
  readonly title: string
  readonly version: string
}

async function sent(file: string, { checksumAlgorithm = 'SHA256', checksum }: Said, door: Door) {
  const { sha256 } = await uploadFile({ file, checksumAlgorithm, checksum }, door)
  return { checksumAlgorithm, sha256, fileName: basename(file) }
}
