import type { Client } from '@updraft/api/client'
import { command, text, withStandard, yes } from '../command.ts'
import { Refusal, WrongWords } from '../errors.ts'
import { handlingFlags, handlingOf } from '../handling.ts'
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
    flags: {
      ...where,
      ...handlingFlags,
      yes: yes('--yes', 'without asking whether so many devices may be touched'),
    },
    examples: [
      'updraft assign app@1.4.0 --profile Sensor',
      'updraft assign app@1.5.0-rc.1 --device sensor-1',
      'updraft assign app@1.5.0 --device sensor-1 --soft --windows "22:00-04:00 Europe/Berlin"',
    ],
    run: async ({ 'title@version': name, yes: isSure, ...said }, { client, confirm }) => {
      checkPlace(said)
      const handling = handlingOf(said)
      const { id: releaseId, type } = await findRelease(client, name)
      const { scope, id, text, devices } = await find(client, said, type)
      if (devices > 0 && !isSure && !(await confirm(`Assign ${name} to ${text}?`))) {
        throw new Refusal({ code: 'not-confirmed', message: 'Nothing was assigned.' })
      }
      const input = { params: { id, type }, body: { releaseId, ...(handling && { handling }) } }
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
      const { scope, id, text } = await find(client, said, type)
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

/** Where, and how many devices of a profile that is: those without an assignment of their own. */
async function find(client: Client, { profile, device }: Place, type: string) {
  if (device !== undefined) {
    const { id } = await findDevice(client, device)
    return { scope: 'device', id, text: `device ${device}`, devices: 0 } as const
  }
  const { id, name, deviceCount } = await findProfile(client, profile ?? '')
  const { devices } = await client('countAffected', { params: { id, type } })
  const some = devices === deviceCount ? '' : `${devices.toLocaleString('en')} of `
  const text = `profile ${name} (${some}${countText(deviceCount, 'device')})`
  return { scope: 'profile', id, text, devices } as const
}
