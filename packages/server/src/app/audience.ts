/** Groups and channels: who is meant, asked at the moment. */
import {
  checkedHandle,
  checkedName,
  checkFree,
  type EventKind,
  type OperatorActor,
} from '@updraft/core'
import { compile } from '@updraft/core/expression'
import { deed } from './deed.ts'
import type {
  Channels,
  ChannelView,
  Clock,
  DeviceFilter,
  DeviceView,
  Groups,
  GroupView,
  Ids,
  Page,
  PageQuery,
  Stores,
  UnitOfWork,
} from './ports.ts'

const SAMPLE = 10

export interface GroupDraft {
  readonly handle: string
  readonly name: string
  readonly expression: string
}

export interface ChannelDraft {
  readonly handle: string
  readonly name: string
  readonly groupIds?: readonly string[]
}

export function audience({
  clock,
  ids,
  unitOfWork,
}: {
  clock: Clock
  ids: Ids
  unitOfWork: UnitOfWork
}) {
  const event = (
    actor: OperatorActor,
    kind: EventKind & `${'group' | 'channel'}.${string}`,
    { id, name }: { id: string; name: string },
  ) => {
    const subject = { kind: kind.startsWith('group') ? 'group' : 'channel', id, name } as const
    return deed(actor, kind, { at: clock.now(), subject })
  }

  /** Devices for which one of the expressions holds. */
  const asked = (expressions: readonly string[]): DeviceFilter => ({
    asked: { any: expressions.map(compile), now: clock.now() },
  })
  const expressionsOf = ({ groups }: ChannelView) => groups.map(({ expression }) => expression)

  const fill = async ({ groups, channels }: Stores, id: string, groupIds: readonly string[]) => {
    checkFree(await groups.all(groupIds), id)
    await channels.setGroups(id, groupIds)
  }

  const checked = <Change extends Partial<GroupDraft>>(what: string, change: Change) => ({
    ...(change.handle !== undefined && { handle: checkedHandle(what, change.handle) }),
    ...(change.name !== undefined && { name: checkedName(what, change.name) }),
    ...(change.expression !== undefined && { expression: compile(change.expression).text }),
  })

  return {
    /** How many devices an expression holds for, and some of them. Refuses with expression.invalid. */
    preview: (
      actor: OperatorActor,
      expression: string,
    ): Promise<{ count: number; sample: readonly DeviceView[] }> => {
      const filter = asked([expression])
      return unitOfWork(actor, async ({ devices }) => ({
        count: await devices.count(filter),
        sample: (await devices.page({ ...filter, limit: SAMPLE })).items,
      }))
    },

    /** Refuses with expression.invalid, expression.too-large or group.duplicate. */
    createGroup: async (actor: OperatorActor, draft: GroupDraft): Promise<GroupView> => {
      const { handle, name, expression } = { ...draft, ...checked('group', draft) }
      return unitOfWork(actor, async ({ groups, events }) => {
        const group = { id: ids.next(), handle, name, expression, createdAt: clock.now() }
        await groups.insert(group)
        await events.append([event(actor, 'group.created', group)])
        return groups.get(group.id)
      })
    },

    listGroups: (
      actor: OperatorActor,
      query: Parameters<Groups['page']>[0],
    ): Promise<Page<GroupView>> => unitOfWork(actor, ({ groups }) => groups.page(query)),

    showGroup: (
      actor: OperatorActor,
      id: string,
    ): Promise<{ group: GroupView; deviceCount: number }> =>
      unitOfWork(actor, async ({ groups, devices }) => {
        const group = await groups.get(id)
        return { group, deviceCount: await devices.count(asked([group.expression])) }
      }),

    devicesOfGroup: (
      actor: OperatorActor,
      id: string,
      query: PageQuery,
    ): Promise<Page<DeviceView>> =>
      unitOfWork(actor, async ({ groups, devices }) => {
        const { expression } = await groups.get(id)
        return devices.page({ ...query, ...asked([expression]) })
      }),

    changeGroup: async (
      actor: OperatorActor,
      id: string,
      change: Partial<GroupDraft>,
    ): Promise<GroupView> => {
      const to = checked('group', change)
      return unitOfWork(actor, async ({ groups, events }) => {
        await groups.change(id, to)
        const group = await groups.get(id)
        await events.append([event(actor, 'group.changed', group)])
        return group
      })
    },

    removeGroup: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ groups, events }) => {
        const group = await groups.get(id)
        await groups.remove(id)
        await events.append([event(actor, 'group.removed', group)])
      }),

    /** Refuses with channel.duplicate, group.unknown, or group.in-channel. */
    createChannel: (actor: OperatorActor, draft: ChannelDraft): Promise<ChannelView> =>
      unitOfWork(actor, async (stores) => {
        const { handle, name } = { ...draft, ...checked('channel', draft) }
        const channel = { id: ids.next(), handle, name, createdAt: clock.now() }
        await stores.channels.insert(channel)
        await fill(stores, channel.id, draft.groupIds ?? [])
        await stores.events.append([event(actor, 'channel.created', channel)])
        return stores.channels.get(channel.id)
      }),

    listChannels: (
      actor: OperatorActor,
      query: Parameters<Channels['page']>[0],
    ): Promise<Page<ChannelView>> => unitOfWork(actor, ({ channels }) => channels.page(query)),

    showChannel: (
      actor: OperatorActor,
      id: string,
    ): Promise<{ channel: ChannelView; deviceCount: number }> =>
      unitOfWork(actor, async ({ channels, devices }) => {
        const channel = await channels.get(id)
        return { channel, deviceCount: await devices.count(asked(expressionsOf(channel))) }
      }),

    devicesOfChannel: (
      actor: OperatorActor,
      id: string,
      query: PageQuery,
    ): Promise<Page<DeviceView>> =>
      unitOfWork(actor, async ({ channels, devices }) => {
        const expressions = expressionsOf(await channels.get(id))
        return devices.page({ ...query, ...asked(expressions) })
      }),

    /** A list of groups replaces the one there was; without one, it stays. */
    changeChannel: (
      actor: OperatorActor,
      id: string,
      { groupIds, ...change }: Partial<ChannelDraft>,
    ): Promise<ChannelView> =>
      unitOfWork(actor, async (stores) => {
        await stores.channels.change(id, checked('channel', change))
        if (groupIds) await fill(stores, id, groupIds)
        const channel = await stores.channels.get(id)
        await stores.events.append([event(actor, 'channel.changed', channel)])
        return channel
      }),

    /** Its groups stay. Refuses with channel.in-use. */
    removeChannel: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ channels, events }) => {
        const channel = await channels.get(id)
        await channels.remove(id)
        await events.append([event(actor, 'channel.removed', channel)])
      }),
  }
}

export type AudienceUseCases = ReturnType<typeof audience>
