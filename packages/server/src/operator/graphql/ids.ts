/** Ids that say what they are of, as Relay has them: base64 of `Type:id`. */
import { DomainError } from '@updraft/core'

/** What can be asked for by its id alone. */
export const NODE_TYPES = [
  'Campaign',
  'Channel',
  'Device',
  'Group',
  'HardwareType',
  'Operation',
  'Package',
  'Profile',
  'Release',
  'SystemModel',
] as const
export type NodeType = (typeof NODE_TYPES)[number]

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const globalId = (type: NodeType | 'CampaignTarget', id: string): string =>
  Buffer.from(`${type}:${id}`).toString('base64')

/** Null for what is none of ours. */
export function readGlobalId(text: string): { type: NodeType; id: string } | null {
  const [, name, id = ''] =
    /^([A-Za-z]+):(.+)$/s.exec(Buffer.from(text, 'base64').toString('utf8')) ?? []
  const type = NODE_TYPES.find((each) => each === name)
  if (!type || (type !== 'Package' && !UUID.test(id))) return null
  return { type, id }
}

/** The UUID of a thing of that type, by its global id or as it stands. Refuses with request.malformed. */
export function uuidOf(type: NodeType, text: string): string {
  if (UUID.test(text)) return text
  const read = readGlobalId(text)
  if (read?.type === type) return read.id
  const what = read ? `the id of a ${read.type}, not of a ${type}` : `not the id of a ${type}`
  throw new DomainError('request.malformed', `"${text.slice(0, 100)}" is ${what}.`)
}
