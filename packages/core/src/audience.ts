/** Groups hold the devices for which their expression holds; channels hold groups. */
import { DomainError } from './errors.ts'

export interface Group {
  readonly id: string
  readonly handle: string
  readonly name: string
  readonly expression: string
  readonly createdAt: Date
}

export interface Channel {
  readonly id: string
  readonly handle: string
  readonly name: string
  readonly createdAt: Date
}

const MAX_HANDLE_LENGTH = 63

/** A short name for commands and addresses. Refuses with request.malformed. */
export function checkedHandle(what: string, handle: string): string {
  if (/^[a-z][a-z\d-]*$/.test(handle) && handle.length <= MAX_HANDLE_LENGTH) return handle
  throw new DomainError(
    'request.malformed',
    `The handle of a ${what} is up to ${MAX_HANDLE_LENGTH} small letters, digits and dashes, a letter first.`,
  )
}

/** A group is in one channel at most. Refuses with group.in-channel, naming the group. */
export function checkFree(
  groups: readonly {
    readonly name: string
    readonly channel: { readonly id: string; readonly name: string } | null
  }[],
  channelId: string,
): void {
  for (const { name, channel } of groups) {
    if (channel && channel.id !== channelId) {
      throw new DomainError(
        'group.in-channel',
        `Group "${name}" is in channel "${channel.name}" already; a group is in one channel at most.`,
        { group: name, channel: channel.name },
      )
    }
  }
}
