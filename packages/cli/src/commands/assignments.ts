import type { Client } from '@updraft/api/client'
import { command, text, withStandard } from '../command.ts'
import { WrongWords } from '../errors.ts'
import { findDevice, findProfile, findRelease } from '../lookup.ts'
import { countText, nameOf } from '../print.ts'

const where = {
  profile: text('--profile <name>', 'all devices of this profile without one of their own'),
  device: text('--device <name>', "this device; it beats its profile's"),
}

export const assignmentCommands = [
  command({
    words: 'assign <title@version>',
    about: 'say which version the devices of a profile, or one device, should run',
    flags: where,
    examples: [
      'updraft assign app@1.4.0 --profile Sensor',
      'updraft assign app@1.5.0-rc.1 --device sensor-1',
    ],
    run: async ({ 'title@version': name, ...said }, { client }) => {
      checkPlace(said)
      const { id: releaseId, type } = await findRelease(client, name)
      const { scope, id, text } = await find(client, said)
      const input = { params: { id, type }, body: { releaseId } }
      const assignment =
        scope === 'device'
          ? await client('assignToDevice', input)
          : await client('assignToProfile', input)
      return {
        json: assignment,
        text: () => `Assigned ${assignment.type} ${nameOf(assignment.release)} to ${text}.`,
      }
    },
  }),
  command({
    words: 'unassign',
    about: 'withdraw what a profile or a device is assigned',
    flags: {
      profile: text('--profile <name>', 'from this profile'),
      device: text('--device <name>', "from this device; its profile's holds again"),
      type: withStandard('--type <type>', 'which component', 'firmware'),
    },
    run: async ({ type, ...said }, { client }) => {
      checkPlace(said)
      const { scope, id, text } = await find(client, said)
      const input = { params: { id, type } }
      if (scope === 'device') await client('unassignFromDevice', input)
      else await client('unassignFromProfile', input)
      return {
        json: { scope, id, type },
        text: () => `No ${type} is assigned to ${text} any more.`,
      }
    },
  }),
]

interface Place {
  readonly profile?: string
  readonly device?: string
}

function checkPlace({ profile, device }: Place): void {
  if ((profile === undefined) === (device === undefined)) {
    throw new WrongWords('Say either --profile NAME or --device NAME.')
  }
}

async function find(client: Client, { profile, device }: Place) {
  if (device !== undefined) {
    const { id } = await findDevice(client, device)
    return { scope: 'device', id, text: `device ${device}` } as const
  }
  const { id, name, deviceCount } = await findProfile(client, profile ?? '')
  const text = `profile ${name} (${countText(deviceCount, 'device')})`
  return { scope: 'profile', id, text } as const
}
