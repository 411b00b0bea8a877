/** Groups and channels of a tenant. */
import type { Channel, Group } from '@updraft/core'
import type { Page, PageQuery } from './paging.ts'

export interface AudienceName {
  readonly id: string
  readonly handle: string
  readonly name: string
}

export interface GroupView extends Group {
  readonly channel: AudienceName | null
}

export interface ChannelView extends Channel {
  readonly groups: readonly (AudienceName & { readonly expression: string })[]
}

export interface Groups {
  /** Refuses with group.duplicate or channel.unknown. */
  insert(group: Group): Promise<void>
  /** Refuses with group.unknown. */
  get(id: string): Promise<GroupView>
  /** Those of them there are, in no order. */
  several(ids: readonly string[]): Promise<readonly GroupView[]>
  /** Of each of these devices, the groups that hold it at that moment, by their names. */
  ofDevices(
    deviceIds: readonly string[],
    now: Date,
  ): Promise<ReadonlyMap<string, readonly GroupView[]>>
  /** All of them, in the order of their ids. Refuses with group.unknown. */
  all(ids: readonly string[]): Promise<readonly GroupView[]>
  page(query: PageQuery & { handle?: string; channelId?: string }): Promise<Page<GroupView>>
  /** Refuses with group.unknown or group.duplicate. */
  change(id: string, to: Partial<Pick<Group, 'handle' | 'name' | 'expression'>>): Promise<void>
  remove(id: string): Promise<void>
}

export interface Channels {
  /** Refuses with channel.duplicate. */
  insert(channel: Channel): Promise<void>
  /** Refuses with channel.unknown. */
  get(id: string): Promise<ChannelView>
  /** Those of them there are, in no order. */
  several(ids: readonly string[]): Promise<readonly ChannelView[]>
  page(query: PageQuery & { handle?: string }): Promise<Page<ChannelView>>
  /** Refuses with channel.unknown or channel.duplicate. */
  change(id: string, to: Partial<Pick<Channel, 'handle' | 'name'>>): Promise<void>
  /** Exactly these groups are in it from now on. */
  setGroups(id: string, groupIds: readonly string[]): Promise<void>
  /** Its groups stay, in no channel. Refuses with channel.in-use. */
  remove(id: string): Promise<void>
}
