/** Groups, channels, and what an expression would select. */
import { z } from 'zod'
import { ExpressionText, Handle, Id, Name, named, Ref, Time } from './words.ts'

const deviceCount = z.int().describe('how many devices it holds now')

export const Group = named(
  'Group',
  z.object({
    id: Id,
    handle: z.string(),
    name: z.string(),
    expression: ExpressionText,
    channel: Ref.nullable().describe('the one it is in, if any'),
    createdAt: Time,
  }),
)
export type Group = z.infer<typeof Group>

export const GroupWithCount = named('GroupWithCount', Group.extend({ deviceCount }))
export type GroupWithCount = z.infer<typeof GroupWithCount>

export const GroupDraft = named(
  'GroupDraft',
  z.object({ handle: Handle, name: Name, expression: ExpressionText }),
)
export const GroupChange = named('GroupChange', GroupDraft.partial())

export const Channel = named(
  'Channel',
  z.object({ id: Id, handle: z.string(), name: z.string(), groups: z.array(Ref), createdAt: Time }),
)
export type Channel = z.infer<typeof Channel>

export const ChannelWithCount = named('ChannelWithCount', Channel.extend({ deviceCount }))
export type ChannelWithCount = z.infer<typeof ChannelWithCount>

export const ChannelDraft = named(
  'ChannelDraft',
  z.object({ handle: Handle, name: Name, groupIds: z.array(Id).max(500).optional() }),
)
export const ChannelChange = named(
  'ChannelChange',
  ChannelDraft.partial().extend({
    groupIds: ChannelDraft.shape.groupIds.describe('replaces what there is; stays when absent'),
  }),
)

export const PreviewRequest = named('PreviewRequest', z.object({ expression: ExpressionText }))
export const Preview = named(
  'Preview',
  z.object({
    count: z.int(),
    sample: z
      .array(z.object({ id: Id, name: z.string(), profile: z.string() }))
      .describe('up to ten of them, by name'),
  }),
)
export type Preview = z.infer<typeof Preview>
