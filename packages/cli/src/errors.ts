/** What may go wrong, as one plain sentence, a hint what to do, and an exit code. */
import { ApiError } from '@updraft/api/client'
import { DomainError, type ErrorCode } from '@updraft/core'

/** Refused, by the server or by what we found here. Exit code 1. */
export class Refusal extends Error {
  readonly code: string
  readonly hint: string | null
  readonly status: number | null
  /** Further fields of the error in JSON. */
  readonly details: Readonly<Record<string, unknown>>

  constructor({
    code,
    message,
    hint = null,
    status = null,
    details = {},
    cause,
  }: {
    code: string
    message: string
    hint?: string | null
    status?: number | null
    details?: Readonly<Record<string, unknown>>
    cause?: unknown
  }) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Refusal'
    this.code = code
    this.hint = hint
    this.status = status
    this.details = details
  }
}

/** Words that do not go together. The command's help follows; exit code 2. */
export class WrongWords extends Error {
  override readonly name = 'WrongWords'
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  'access.denied': 'Ask an administrator, or use a token of an operator with more rights.',
  'profile.unknown': '`updraft profile list` shows what there is; `updraft profile add` adds one.',
  'profile.in-use': 'Remove its devices and packages first.',
  'device.unknown': '`updraft device list` shows what there is.',
  'device.duplicate': 'Choose another name, or remove the old one: `updraft device remove NAME`.',
  'credential.taken': 'Choose another one; a token that is left out is made up.',
  'credential.too-many':
    'See `updraft device credential list`, then `updraft device credential remove` one of them.',
  'release.unknown': '`updraft package list` shows what there is.',
  'release.duplicate': 'A version never changes once it is there. Choose another --version.',
  'release.in-use':
    'Unassign it and disable its policy first, and wait for updates under way or cancel them.',
  'release.other-profile': '`updraft package show T@V` says which profile it is made for.',
  'assignment.none': '`updraft profile show` and `updraft status DEVICE` show what is assigned.',
  'artifact.checksum-mismatch': 'Is it the right file? Compare with `sha256sum FILE`.',
  'artifact.incomplete': 'The connection broke. Run the same command again.',
  'operator.unknown': '`updraft user list` shows who there is.',
  'operator.self':
    'Another administrator can do it: `updraft user list --role tenant-administrator`.',
  'customer.unknown': '`updraft customer list` shows what there is.',
  'customer.in-use':
    'See `updraft device list --customer NAME` and `updraft user list --customer NAME`.',
  'claim.expired': 'Switch the device on again, or do whatever makes it say so.',
  'token.unknown': '`updraft token list` shows what there is.',
  'version.invalid-requirement': 'Write it like this: ~> 2.0 and >= 2.1.3',
  'store.away': 'Try again in a moment; the server log says more.',
  'store.full': 'Make room where the server keeps its data.',
}

export interface Trouble {
  readonly code: string
  readonly message: string
  readonly status: number | null
  readonly hint: string | null
  readonly details: Readonly<Record<string, unknown>>
}

/** The error in the user's terms; null for what is no refusal but a bug. */
export function troubleOf(error: unknown, hasToken: boolean): Trouble | null {
  if (error instanceof Refusal) return error
  if (error instanceof DomainError) {
    const { code, message } = error
    return { code, message, status: null, hint: HINTS[code] ?? null, details: {} }
  }
  if (error instanceof ApiError) {
    const { code, message, status } = error
    return { code, message, status, hint: hintFor(error, hasToken), details: {} }
  }
  return null
}

function hintFor({ code, status, problem }: ApiError, hasToken: boolean): string | null {
  if (status === 401) {
    return hasToken
      ? 'The token was revoked, or belongs to another server: look at UPDRAFT_TOKEN and --token.'
      : 'No token was given: set UPDRAFT_TOKEN or use --token. Somebody with access makes one with `updraft token create NAME`.'
  }
  if (!problem) return 'Is that address an Updraft server? Look at UPDRAFT_URL and --url.'
  return HINTS[code as ErrorCode] ?? (status >= 500 ? 'The server log says more.' : null)
}

/** A refusal for a file that cannot be opened, read or written; anything else is thrown on as it is. */
export function fileTrouble(file: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException
  const why = FILE_TROUBLE[code ?? '']
  if (why === undefined) throw error
  throw new Refusal({ code: 'file.unusable', message: `${file}: ${why}.`, cause: error })
}

const FILE_TROUBLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'you may not read or write it',
  EPERM: 'you may not read or write it',
  EISDIR: 'that is a folder, not a file',
  ENOTDIR: 'part of the path is a file, not a folder',
  ENOSPC: 'there is no space left',
  EROFS: 'that place can only be read',
}
