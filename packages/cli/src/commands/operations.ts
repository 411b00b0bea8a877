import type { Client } from '@updraft/api/client'
import { isTerminal } from '@updraft/core'
import { command, text } from '../command.ts'
import { findDevice, findOperation } from '../lookup.ts'
import { nameOf } from '../print.ts'

const flags = { type: text('--type <type>', 'of this component, where several could be meant') }

async function underWay(client: Client, { name, type }: { name: string; type?: string }) {
  const { id } = findOperation(await findDevice(client, name), type, {
    holds: ({ state }) => !isTerminal(state),
    nothing: `No ${type ?? 'update'} of ${name} is under way.`,
  })
  return id
}

export const operationCommands = [
  command({
    words: 'cancel <device>',
    about: 'take the update of a device back; what it reports afterwards changes nothing',
    flags,
    run: async ({ device: name, type }, { client }) => {
      const id = await underWay(client, { name, type })
      const operation = await client('cancelOperation', { params: { id } })
      return {
        json: operation,
        text: () => `Cancelled ${nameOf(operation.release)} on ${name}.`,
      }
    },
  }),
  command({
    words: 'force <device>',
    about: 'have a device do now what was left to it',
    flags,
    run: async ({ device: name, type }, { client }) => {
      const id = await underWay(client, { name, type })
      const operation = await client('forceOperation', { params: { id } })
      return {
        json: operation,
        text: () => `${nameOf(operation.release)} is a must for ${name} now.`,
      }
    },
  }),
  command({
    words: 'retry <device>',
    about: 'try again what failed on a device or was cancelled',
    flags,
    run: async ({ device: name, type }, { client }) => {
      const device = await findDevice(client, name)
      const { id } = findOperation(device, type, {
        holds: ({ state }) => state === 'FAILED' || state === 'CANCELED',
        nothing: `No ${type ?? 'update'} of ${name} has failed or was cancelled last.`,
      })
      const operation = await client('retryOperation', { params: { id } })
      return {
        json: operation,
        text: () => `${nameOf(operation.release)} will be offered to ${name} once more.`,
      }
    },
  }),
]
