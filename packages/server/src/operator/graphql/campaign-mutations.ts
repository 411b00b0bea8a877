/** What can be done with campaigns. */
import { type Audience, DomainError } from '@updraft/core'
import { builder } from './builder.ts'
import { CampaignRef } from './campaign.ts'
import {
  CampaignMechanismInput,
  CampaignSettingsInput,
  mechanismOf,
  settingsOf,
} from './campaign-settings.ts'
import { uuidOf } from './ids.ts'
import { mutation } from './mutation.ts'

const CreateCampaignInput = builder.inputType('CreateCampaignInput', {
  description:
    'For exactly one of channelId, groupIds and expression. Either campaignMechanism, in the words of Edgehog, or releaseId with settings.',
  fields: (t) => ({
    name: t.string({ required: true }),
    channelId: t.id(),
    groupIds: t.idList(),
    expression: t.string({ description: 'CEL' }),
    campaignMechanism: t.field({ type: CampaignMechanismInput }),
    releaseId: t.id(),
    settings: t.field({ type: CampaignSettingsInput }),
    scheduledAtTimestamp: t.field({ type: 'DateTime', description: 'at once when absent' }),
  }),
})

const UpdateCampaignInput = builder.inputType('UpdateCampaignInput', {
  fields: (t) => ({
    name: t.string(),
    channelId: t.id(),
    groupIds: t.idList(),
    expression: t.string({ description: 'CEL' }),
    campaignMechanism: t.field({ type: CampaignMechanismInput }),
    releaseId: t.id(),
    settings: t.field({ type: CampaignSettingsInput }),
    scheduledAtTimestamp: t.field({ type: 'DateTime', description: 'Null is at once.' }),
  }),
})
type Said = typeof UpdateCampaignInput.$inferInput

const refuse = (paths: readonly string[], message: string): never => {
  throw new DomainError('request.malformed', message, {
    issues: paths.map((path) => ({ path, message })),
  })
}

/** Undefined when nothing is said of it. */
function audienceOf({ channelId, groupIds, expression }: Said): Audience | undefined {
  const all: Audience[] = [
    ...(channelId ? [{ channelId: uuidOf('Channel', channelId) }] : []),
    ...(groupIds ? [{ groupIds: groupIds.map((id) => uuidOf('Group', id)) }] : []),
    ...(typeof expression === 'string' ? [{ expression }] : []),
  ]
  if (all.length > 1) {
    const paths = ['channelId', 'groupIds', 'expression']
    refuse(paths, 'Only one of channelId, groupIds and expression says whom it is for.')
  }
  return all[0]
}

function planOf({ campaignMechanism, releaseId, settings }: Said) {
  if (!campaignMechanism) {
    return {
      releaseId: releaseId ? uuidOf('Release', releaseId) : undefined,
      settings: settings ? settingsOf(settings) : undefined,
    }
  }
  if (releaseId || settings) {
    const paths = ['campaignMechanism', 'releaseId', 'settings']
    refuse(paths, 'Either campaignMechanism, or releaseId with settings.')
  }
  return mechanismOf(campaignMechanism)
}

type Waves = { waves?: never[] }
/** The core takes what is not to be changed, the shapes want it to be theirs. */
const own = <T>(settings: T): (T & Waves) | undefined => structuredClone(settings) as T & Waves

mutation('createCampaign', {
  route: 'createCampaign',
  result: CampaignRef,
  description: 'Bring a release to the devices its audience holds now.',
  args: builder.args((t) => ({ input: t.field({ type: CreateCampaignInput, required: true }) })),
  run: ({ input }, { asking }) => {
    const { releaseId, settings } = planOf(input)
    return asking.ask('createCampaign', {
      body: {
        name: input.name,
        releaseId:
          releaseId ?? refuse(['campaignMechanism', 'releaseId'], 'Which release is it to bring?'),
        audience: (audienceOf(input) ??
          refuse(['channelId', 'groupIds', 'expression'], 'Whom is it for?')) as {
          expression: string
        },
        settings: own(settings) ?? {},
        scheduledAt: input.scheduledAtTimestamp,
      },
    })
  },
})

mutation('updateCampaign', {
  route: 'changeCampaign',
  result: CampaignRef,
  description: 'Change a campaign that has not begun; its devices are fixed anew.',
  args: builder.args((t) => ({
    id: t.id({ required: true }),
    input: t.field({ type: UpdateCampaignInput, required: true }),
  })),
  run: ({ id, input }, { asking }) => {
    const { releaseId, settings } = planOf(input)
    return asking.ask('changeCampaign', {
      params: { id: uuidOf('Campaign', id) },
      body: {
        name: input.name ?? undefined,
        releaseId,
        settings: own(settings),
        audience: audienceOf(input) as { expression: string } | undefined,
        scheduledAt: input.scheduledAtTimestamp,
      },
    })
  },
})

const byId = () => builder.args((t) => ({ id: t.id({ required: true }) }))

mutation('deleteCampaign', {
  route: 'removeCampaign',
  result: CampaignRef,
  description: 'Remove a campaign that has not begun, or is over.',
  args: byId(),
  run: async ({ id }, { asking }) => {
    const params = { id: uuidOf('Campaign', id) }
    const campaign = await asking.ask('showCampaign', { params })
    await asking.ask('removeCampaign', { params })
    return campaign
  },
})

const MOVES = {
  pauseCampaign: ['pauseCampaign', 'Ask nobody new; those at it go on to their end.'],
  resumeCampaign: ['resumeCampaign', 'Go on with a paused campaign.'],
  cancelCampaign: ['cancelCampaign', 'End a campaign; what devices have not begun is taken back.'],
  approveWave: ['approveCampaign', 'Let the next wave begin that waits for a person.'],
  retryCampaign: ['retryCampaign', 'Ask all that failed or were skipped once more.'],
} as const

for (const [name, [route, description]] of Object.entries(MOVES)) {
  mutation(name, {
    route,
    result: CampaignRef,
    description,
    args: byId(),
    run: ({ id }, { asking }) => asking.ask(route, { params: { id: uuidOf('Campaign', id) } }),
  })
}
mutation('rollBackCampaign', {
  route: 'rollBackCampaign',
  result: CampaignRef,
  description: 'Bring the devices it has updated back to what they had: another campaign.',
  args: builder.args((t) => ({ id: t.id({ required: true }), name: t.string() })),
  run: ({ id, name }, { asking }) =>
    asking.ask('rollBackCampaign', {
      params: { id: uuidOf('Campaign', id) },
      body: name ? { name } : {},
    }),
})
