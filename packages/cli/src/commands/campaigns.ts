import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from '@updraft/api/client'
import type { Campaign, CampaignDraft } from '@updraft/api/shapes'
import { CAMPAIGN_STATUSES, TARGET_STATUSES } from '@updraft/core'
import { campaignColumns, forecastColumns, shown, targetColumns } from '../campaign-view.ts'
import {
  command,
  count,
  type Door,
  listFlags,
  many,
  oneOf,
  percent,
  seconds,
  text,
  time,
  yes,
} from '../command.ts'
import { WrongWords } from '../errors.ts'
import { handlingOf, urgencyFlags } from '../handling.ts'
import { findCampaign, findChannel, findGroup, findRelease, listAll } from '../lookup.ts'
import { countText, type Look, listText } from '../print.ts'
import { readWave } from '../wave.ts'

const WATCH_EVERY_MS = 1000

const audienceFlags = {
  channel: text('--channel <handle>', 'for the groups of that channel'),
  group: many('--group <handle...>', 'for that group (several times: for each of them)'),
  where: text('--where <expression>', 'for devices the expression holds for'),
}

const settingFlags = {
  start: time('--start <time>', 'begin then (default: at once)'),
  maxInProgress: count('--max-in-progress <n>', 'so many devices at it at most (default: 100)'),
  maxFailures: percent(
    '--max-failures <percent>',
    'of all devices: end as a failure when more have failed (default: 10)',
  ),
  stopAt: percent(
    '--stop-at <percent>',
    'failed among those that have ended: stop when more have (default: 10)',
  ),
  stopAfter: count('--stop-after <n>', 'so many must have ended for that to count (default: 10)'),
  retries: seconds('--retries <n>', 'ask one that says nothing so often again (default: 3)'),
  timeout: seconds('--timeout <seconds>', 'how long it may say nothing (default: 300)'),
  progressTimeout: seconds(
    '--progress-timeout <seconds>',
    'how long one that has begun may say nothing further; 0 for ever (default: 172800)',
  ),
  forceDowngrade: yes(
    '--force-downgrade',
    'also over newer versions, and over those the release may not start from',
  ),
  wave: many(
    '--wave <size...>',
    'a wave, in order: 1, 10% or 10%:95:3600:approve (size, success in percent, soak in seconds)',
  ),
  allAtOnce: yes('--all-at-once', 'no waves; without it one device goes before a large campaign'),
  windows: text(
    '--windows <text>',
    'ask only then, e.g. "Mon-Fri 22:00-04:00 Europe/Berlin; Sat 00:00-24:00"',
  ),
  windowAttribute: text('--window-attribute <name>', 'attribute with windows of the device itself'),
  ...urgencyFlags,
  dynamic: yes('--dynamic', 'devices that come to belong to it later join'),
  rollBackOnStop: yes(
    '--roll-back-on-stop',
    'when it stops by itself, devices it has updated go back to what they had',
  ),
}
type Said = {
  [K in keyof typeof settingFlags]: (typeof settingFlags)[K] extends {
    parse?: (t: string) => infer T
  }
    ? T
    : never
} & { channel?: string; group?: string[]; where?: string }

const named = { words: 'campaign show <name>' } as const

export const campaignCommands = [
  command({
    words: 'campaign add <name> <title@version>',
    about: 'bring a release to a part of the fleet, a few devices first',
    flags: {
      ...audienceFlags,
      ...settingFlags,
      dryRun: yes('--dry-run', 'only say what would come of it'),
    },
    examples: [
      `updraft campaign add spring app@1.4.0 --where '"beta" in labels' --wave 1 --wave 10%:95:3600`,
      'updraft campaign add spring app@1.4.0 --channel stable --dry-run',
    ],
    run: async ({ name, 'title@version': release, dryRun, ...said }, { client }) => {
      const body = await draftOf(client, { name, release, ...said })
      if (dryRun) return foretold(client, body)
      const campaign = await client('createCampaign', { body })
      return {
        json: campaign,
        text: () => `Campaign ${name}: ${countText(campaign.total, 'device')}. ${campaign.because}`,
      }
    },
  }),
  command({
    words: 'campaign list',
    about: 'all campaigns, the newest first',
    flags: {
      status: oneOf(
        '--status <status>',
        `in this status: ${CAMPAIGN_STATUSES.join(', ')}`,
        CAMPAIGN_STATUSES,
      ),
      search: text('--search <text>', 'text within names'),
      ...listFlags,
    },
    run: async ({ status, search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listCampaigns', { query: { ...query, status, search } }),
      )
      return {
        json: page,
        text: (look) => listText(page, campaignColumns(look), 'There are no campaigns.', look),
      }
    },
  }),
  command({
    ...named,
    about: 'one campaign: its waves, how its devices fare, and why it is as it is',
    run: async ({ name }, { client }) => shown(await findCampaign(client, name)),
  }),
  command({
    words: 'campaign targets <name>',
    about: 'the devices of a campaign, each with how it fares and why',
    flags: {
      status: oneOf(
        '--status <status>',
        `in this status: ${TARGET_STATUSES.join(', ')}`,
        TARGET_STATUSES,
      ),
      wave: count('--wave <n>', 'of this wave'),
      search: text('--search <text>', 'text within their names'),
      ...listFlags,
    },
    run: async ({ name, status, wave, search, ...range }, { client }) => {
      const { id } = await findCampaign(client, name)
      const page = await listAll(range, (query) =>
        client('listTargets', { params: { id }, query: { ...query, status, wave, search } }),
      )
      return {
        json: page,
        text: (look) => listText(page, targetColumns, 'It has no such devices.', look),
      }
    },
  }),
  command({
    words: 'campaign watch <name>',
    about: 'follow a campaign until it is over, or waits for you',
    run: async ({ name }, door) => {
      const campaign = await watch(await findCampaign(door.client, name), door)
      return shown(campaign)
    },
  }),
  command({
    words: 'campaign update <name>',
    about: 'change a campaign that has not begun; its devices are fixed anew',
    flags: {
      rename: text('--rename <name>', 'its new name'),
      release: text('--release <title@version>', 'what it brings'),
      ...audienceFlags,
      ...settingFlags,
    },
    run: async ({ name, rename, release, ...said }, { client }) => {
      const { id } = await findCampaign(client, name)
      const campaign = await client('changeCampaign', {
        params: { id },
        body: {
          name: rename,
          releaseId: release === undefined ? undefined : (await findRelease(client, release)).id,
          audience: await audienceOf(client, said),
          settings: settingsOf(said),
          scheduledAt: said.start,
        },
      })
      return {
        json: campaign,
        text: () => `Changed campaign ${campaign.name}: ${countText(campaign.total, 'device')}.`,
      }
    },
  }),
  moved('pause', 'pauseCampaign', 'ask nobody new; those at it go on to their end'),
  moved('resume', 'resumeCampaign', 'go on with a paused campaign'),
  moved('approve', 'approveCampaign', 'let the next wave begin that waits for a person'),
  moved('retry', 'retryCampaign', 'ask all that failed or were skipped once more'),
  command({
    words: 'campaign cancel <name>',
    about: 'end a campaign; what devices have not begun is taken back',
    run: async ({ name }, { client, confirm }) => {
      const { id } = await findCampaign(client, name)
      if (!(await confirm(`Cancel campaign ${name}?`))) return undefined
      const campaign = await client('cancelCampaign', { params: { id } })
      return { json: campaign, text: () => `Campaign ${name}: ${campaign.because}` }
    },
  }),
  command({
    words: 'campaign roll-back <name>',
    about: 'bring the devices it has updated back to what they had, by another campaign',
    flags: { as: text('--as <name>', 'name of that campaign') },
    run: async ({ name, as }, { client }) => {
      const { id } = await findCampaign(client, name)
      const campaign = await client('rollBackCampaign', { params: { id }, body: { name: as } })
      const devices = countText(campaign.tally.idle + campaign.tally['in-progress'], 'device')
      return { json: campaign, text: () => `Campaign ${campaign.name} takes back ${devices}.` }
    },
  }),
  command({
    words: 'campaign remove <name>',
    about: 'remove a campaign that has not begun, or is over',
    run: async ({ name }, { client }) => {
      const { id } = await findCampaign(client, name)
      await client('removeCampaign', { params: { id } })
      return { json: { id, name }, text: () => `Removed campaign ${name}.` }
    },
  }),
]

function moved<const V extends string>(
  verb: V,
  route: 'pauseCampaign' | 'resumeCampaign' | 'approveCampaign' | 'retryCampaign',
  about: string,
) {
  return command({
    words: `campaign ${verb} <name>`,
    about,
    run: async ({ name }: { name: string }, { client }) => {
      const { id } = await findCampaign(client, name)
      const campaign = await client(route, { params: { id } })
      return { json: campaign, text: () => `Campaign ${name}: ${campaign.because}` }
    },
  })
}

async function draftOf(
  client: Client,
  { name, release, ...said }: Partial<Said> & { name: string; release: string },
): Promise<CampaignDraft> {
  const audience = await audienceOf(client, said)
  if (!audience) {
    throw new WrongWords('Say for whom: --channel, --group or --where.')
  }
  const { id: releaseId } = await findRelease(client, release)
  return { name, releaseId, audience, settings: settingsOf(said), scheduledAt: said.start }
}

async function audienceOf(
  client: Client,
  { channel, group, where }: Pick<Partial<Said>, 'channel' | 'group' | 'where'>,
): Promise<CampaignDraft['audience'] | undefined> {
  const said = [channel, group, where].filter((each) => each !== undefined)
  if (said.length > 1) throw new WrongWords('Say one of --channel, --group and --where.')
  if (channel !== undefined) return { channelId: (await findChannel(client, channel)).id }
  if (where !== undefined) return { expression: where }
  if (group === undefined) return undefined
  const groups = await Promise.all(group.map((handle) => findGroup(client, handle)))
  return { groupIds: groups.map(({ id }) => id) }
}

/** Only what was said; the server has a standard for all else. */
function settingsOf(said: Partial<Said>): NonNullable<CampaignDraft['settings']> {
  const { stopAt, stopAfter, progressTimeout, wave, allAtOnce } = said
  if (allAtOnce && wave) throw new WrongWords('--all-at-once has no --wave.')
  const settings = {
    maxInProgress: said.maxInProgress,
    maxFailurePercentage: said.maxFailures,
    stopRule:
      stopAt === undefined && stopAfter === undefined
        ? undefined
        : { failurePercentage: stopAt ?? 10, minFinished: stopAfter ?? 10 },
    requestRetries: said.retries,
    requestTimeoutSeconds: said.timeout,
    progressTimeoutSeconds: progressTimeout === 0 ? null : progressTimeout,
    forceDowngrade: said.forceDowngrade,
    waves: allAtOnce ? [] : wave?.map(readWave),
    ...handlingOf({ ...said, windows: undefined }),
    windows: said.windows,
    windowAttribute: said.windowAttribute,
    isDynamic: said.dynamic,
    rollsBackOnStop: said.rollBackOnStop,
  }
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries)
}

/** Until it is over, or somebody has to do something; a bar on a terminal. */
async function watch(
  first: Campaign,
  { client, progress, remark, signal }: Door,
): Promise<Campaign> {
  const of = { title: first.name, total: first.total, unit: 'devices' } as const
  const bar = progress(of)
  let campaign = first
  let done = 0
  let told = ''
  try {
    for (;;) {
      const { tally, status, canApprove } = campaign
      const ended = tally.successful + tally.failed + tally.skipped
      bar.advance(ended - done)
      done = ended
      const word = campaign.gate?.message ?? campaign.because
      if (word !== told) remark(word)
      told = word
      const isOver = status === 'finished' && tally['in-progress'] === 0
      if (isOver || status === 'paused' || canApprove) return campaign
      await wait(WATCH_EVERY_MS, undefined, { signal })
      campaign = await client('showCampaign', { params: { id: first.id } })
    }
  } finally {
    bar.end()
  }
}

async function foretold(client: Client, body: CampaignDraft) {
  const page = await listAll({}, ({ limit, cursor }) =>
    client('forecastCampaign', { body, query: { limit, cursor } }),
  )
  return {
    json: page,
    text: (look: Look) => listText(page, forecastColumns, 'It would have no devices.', look),
  }
}
