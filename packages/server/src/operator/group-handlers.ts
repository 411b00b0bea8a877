/** The handlers of the routes about groups and channels. */
import type { GROUP_ROUTES } from '@updraft/api/routes/groups'
import type { Handlers, OperatorNeeds } from './call.ts'
import { channelView, deviceView, groupView, pageView } from './views.ts'

export function groupHandlers({
  audience,
  clock,
}: Pick<OperatorNeeds, 'audience' | 'clock'>): Pick<Handlers, keyof typeof GROUP_ROUTES> {
  return {
    previewGroup: async ({ input: { body }, caller: { actor } }) => {
      const { count, sample } = await audience.preview(actor, body.expression)
      return {
        count,
        sample: sample.map(({ snapshot: { device } }) => ({
          id: device.id,
          name: device.name,
          profile: device.profileName,
        })),
      }
    },
    listGroups: async ({ input: { query }, caller: { actor } }) =>
      pageView(await audience.listGroups(actor, query), groupView),
    createGroup: async ({ input: { body }, caller: { actor } }) =>
      groupView(await audience.createGroup(actor, body)),
    showGroup: async ({ input: { params }, caller: { actor } }) => {
      const { group, deviceCount } = await audience.showGroup(actor, params.id)
      return { ...groupView(group), deviceCount }
    },
    listDevicesOfGroup: async ({ input: { params, query }, caller: { actor } }) => {
      const page = await audience.devicesOfGroup(actor, params.id, query)
      return pageView(page, (view) => deviceView(view, clock.now()))
    },
    changeGroup: async ({ input: { params, body }, caller: { actor } }) =>
      groupView(await audience.changeGroup(actor, params.id, body)),
    removeGroup: async ({ input: { params }, caller: { actor } }) => {
      await audience.removeGroup(actor, params.id)
    },
    listChannels: async ({ input: { query }, caller: { actor } }) =>
      pageView(await audience.listChannels(actor, query), channelView),
    createChannel: async ({ input: { body }, caller: { actor } }) =>
      channelView(await audience.createChannel(actor, body)),
    showChannel: async ({ input: { params }, caller: { actor } }) => {
      const { channel, deviceCount } = await audience.showChannel(actor, params.id)
      return { ...channelView(channel), deviceCount }
    },
    listDevicesOfChannel: async ({ input: { params, query }, caller: { actor } }) => {
      const page = await audience.devicesOfChannel(actor, params.id, query)
      return pageView(page, (view) => deviceView(view, clock.now()))
    },
    changeChannel: async ({ input: { params, body }, caller: { actor } }) =>
      channelView(await audience.changeChannel(actor, params.id, body)),
    removeChannel: async ({ input: { params }, caller: { actor } }) => {
      await audience.removeChannel(actor, params.id)
    },
  }
}
