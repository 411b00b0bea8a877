import type { Policy, PolicyDevice } from '@updraft/api/shapes'
import { command, count, listFlags, needed, percent, text, yes } from '../command.ts'
import { findCloud, findDevice, findRelease, listAll } from '../lookup.ts'
import {
  type Column,
  countText,
  facts,
  type Look,
  listText,
  nameOf,
  table,
  timeText,
} from '../print.ts'

/** As many as fit a look. */
const HELD_BACK_SHOWN = 10

const limitFlags = {
  max: count('--max <devices>', 'so many devices at most'),
  percentage: percent('--percentage <number>', "that share of the profile's devices at most"),
  rate: count('--rate <devices>', 'so many devices in a period; goes with --period'),
  period: count('--period <seconds>', 'how long a period is'),
}

export const policyCommands = [
  command({
    words: 'policy set <title@version>',
    about: 'say which devices of its profile get a version by themselves when they ask',
    flags: {
      expression: text('--expression <expression>', 'those it holds for (default: all older ones)'),
      ...limitFlags,
      cloud: text('--cloud <names>', 'only devices of these clouds, separated by commas'),
      disabled: yes('--disabled', 'write it without offering anything yet'),
    },
    examples: [
      'updraft policy set app@1.4.0',
      `updraft policy set app@1.4.0 --expression 'semver(version, "<", newVersion) && device.region == "us"' --percentage 10`,
      `updraft policy set app@1.3.0 --expression 'version == "1.4.0"'`,
    ],
    run: async ({ 'title@version': name, expression, cloud, disabled, ...said }, { client }) => {
      const { id } = await findRelease(client, name)
      const cloudIds: string[] = []
      for (const each of cloud?.split(',') ?? []) {
        cloudIds.push((await findCloud(client, each.trim())).id)
      }
      const body = { expression, limits: limitsOf(said), cloudIds, isEnabled: !disabled }
      const policy = await client('putPolicy', { params: { id }, body })
      return {
        json: policy,
        text: () => [sentenceOf(policy, cloud), ...warningsOf(policy)].join('\n'),
      }
    },
  }),
  command({
    words: 'policy list',
    about: 'which versions devices get by themselves',
    flags: { profile: text('--profile <name>', 'made for this profile'), ...listFlags },
    run: async ({ profile, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listPolicies', { query: { ...query, profile } }),
      )
      return { json: page, text: (look) => listText(page, columns, 'There are no policies.', look) }
    },
  }),
  command({
    words: 'policy show <title@version>',
    about: 'one policy, what it has come to, and whom it holds back',
    run: async ({ 'title@version': name }, { client }) => {
      const { id } = await findRelease(client, name)
      const policy = await client('showPolicy', { params: { id } })
      const { counts, cloudIds } = policy
      const clouds: string[] = []
      for (const id of cloudIds) clouds.push((await client('showCloud', { params: { id } })).name)
      const query = { standing: 'deferred', limit: HELD_BACK_SHOWN } as const
      const heldBack = await client('listPolicyDevices', { params: { id }, query })
      return {
        json: { ...policy, heldBack: heldBack.items },
        text: (look) =>
          [
            facts(
              [
                ['Version', nameOf(policy.release)],
                ['Profile', policy.profile],
                ['For', policy.expression || 'every older device'],
                ['Enabled', policy.isEnabled ? 'yes' : 'no'],
                ['Clouds', clouds.join(', ') || null],
                ['Limits', limitsText(policy) || null],
                ['Devices', String(counts.population)],
                ['Offered', String(counts.offered)],
                ['Held back', String(counts.deferred)],
                ['Started', String(counts.started)],
                ['Succeeded', String(counts.succeeded)],
                ['Failed', String(counts.failed)],
                ['Published', timeText(policy.publishedAt, look)],
              ],
              look,
            ),
            ...warningsOf(policy),
            ...heldBackText(heldBack.items, counts.deferred, look),
          ].join('\n'),
      }
    },
  }),
  command({
    words: 'policy enable <title@version>',
    about: 'offer the version to devices that ask from now on',
    run: async ({ 'title@version': name }, { client }) => {
      const { id } = await findRelease(client, name)
      const policy = await client('enablePolicy', { params: { id } })
      return { json: policy, text: () => sentenceOf(policy) }
    },
  }),
  command({
    words: 'policy disable <title@version>',
    about: 'offer the version to nobody new',
    run: async ({ 'title@version': name }, { client }) => {
      const { id } = await findRelease(client, name)
      const policy = await client('disablePolicy', { params: { id } })
      return { json: policy, text: () => `The policy of ${name} is disabled.` }
    },
  }),
  command({
    words: 'policy check <title@version> <expression>',
    about: 'whether an expression can be used for a version, and for how many devices it holds now',
    examples: [`updraft policy check app@1.4.0 'device.memory >= 256'`],
    run: async ({ 'title@version': name, expression }, { client }) => {
      const { id: releaseId } = await findRelease(client, name)
      const { warnings } = await client('checkPolicy', { body: { releaseId, expression } })
      const matches = await client('countPolicy', { body: { releaseId, expression } })
      const names = matches.sample.map(({ name }) => name)
      return {
        json: { warnings, ...matches },
        text: () =>
          [
            `It holds for ${matches.count} of ${countText(matches.population, 'device')}, those left out that run ${name}.`,
            ...names,
            ...warnings.map(({ message }) => `Careful: ${message}`),
          ].join('\n'),
      }
    },
  }),
  command({
    words: 'policy try <title@version>',
    about: 'whether it holds for one device, and what that device would be offered and why',
    flags: {
      device: needed('--device <name>', 'the device'),
      expression: text('--expression <expression>', 'instead of the one it has'),
    },
    examples: ['updraft policy try app@1.4.0 --device sensor-1'],
    run: async ({ 'title@version': name, device: deviceName, expression }, { client }) => {
      const { id: releaseId } = await findRelease(client, name)
      const { id: deviceId } = await findDevice(client, deviceName)
      const trial = await client('tryPolicy', { body: { releaseId, deviceId, expression } })
      const holds = trial.holds ? 'It holds' : 'It does not hold'
      return {
        json: trial,
        text: () =>
          [
            `${holds} for ${deviceName}, which ${trial.version ? `runs ${trial.version}` : 'has not told what it runs'}.${trial.because ? ` ${trial.because}` : ''}`,
            trial.would === 'offer'
              ? `It would be offered ${trial.reason.message}`
              : trial.reason.message,
          ].join('\n'),
      }
    },
  }),
  command({
    words: 'policy remove <title@version>',
    about: 'remove the policy of a version; what devices have begun goes on',
    run: async ({ 'title@version': name }, { client }) => {
      const { id } = await findRelease(client, name)
      await client('removePolicy', { params: { id } })
      return { json: { id, name }, text: () => `Removed the policy of ${name}.` }
    },
  }),
]

function limitsOf({
  max,
  percentage,
  rate,
  period,
}: {
  max?: number
  percentage?: number
  rate?: number
  period?: number
}) {
  return { maxDevices: max, percentage, rate, periodSeconds: period }
}

function limitsText({ limits: { maxDevices, percentage, rate, periodSeconds } }: Policy): string {
  return [
    maxDevices !== null && `${countText(maxDevices, 'device')}`,
    percentage !== null && `${percentage} %`,
    rate !== null && `${rate} in ${periodSeconds} s`,
  ]
    .filter(Boolean)
    .join(', ')
}

function sentenceOf(policy: Policy, clouds?: string): string {
  const { expression, isEnabled, profile } = policy
  const limits = limitsText(policy)
  const where = clouds
    ? ` in cloud ${clouds
        .split(',')
        .map((each) => each.trim())
        .join(' or ')}`
    : ''
  const who = expression ? `for which ${expression}` : 'that run an older version'
  const within = limits ? `, ${limits} at most` : ''
  const what = isEnabled ? 'is offered to' : 'would be offered to'
  return `${nameOf(policy.release)} ${what} devices of profile ${profile}${where} ${who}${within}.`
}

function heldBackText(
  devices: readonly PolicyDevice[],
  count: number,
  look: Look,
): readonly string[] {
  if (devices.length === 0) return []
  const more = count - devices.length
  return [
    '',
    table(heldBackColumns, devices, look),
    ...(more > 0 ? [`… and ${more.toLocaleString('en')} more`] : []),
  ]
}

const heldBackColumns: readonly Column<PolicyDevice>[] = [
  { title: 'Held back', cell: ({ device }) => device.name },
  { title: 'Reason', cell: ({ because }) => because.message },
]

const warningsOf = ({ warnings }: Policy): readonly string[] =>
  warnings.map(({ message }) => `Careful: ${message}`)

const columns: readonly Column<Policy>[] = [
  { title: 'Version', cell: ({ release }) => nameOf(release) },
  { title: 'Profile', cell: ({ profile }) => profile },
  { title: 'Enabled', cell: ({ isEnabled }) => (isEnabled ? 'yes' : 'no') },
  { title: 'For', cell: ({ expression }) => expression || 'older' },
  { title: 'Limits', cell: limitsText },
  { title: 'Offered', cell: ({ counts }) => String(counts.offered) },
  { title: 'Held back', cell: ({ counts }) => String(counts.deferred) },
  { title: 'Succeeded', cell: ({ counts }) => String(counts.succeeded) },
  { title: 'Failed', cell: ({ counts }) => String(counts.failed) },
]
