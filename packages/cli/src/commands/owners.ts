import { command, needed } from '../command.ts'
import { customerIdOf, findDevice } from '../lookup.ts'

export const ownerCommands = [
  command({
    words: 'device customer <name> [customer]',
    about: 'say which customer owns a device; without one, the tenant does',
    examples: ['updraft device customer lamp-1 Lamps'],
    run: async ({ name, customer }, { client }) => {
      const { id } = await findDevice(client, name)
      const customerId = (await customerIdOf(client, customer)) ?? null
      const device = await client('changeDevice', { params: { id }, body: { customerId } })
      const owner = device.customer === null ? 'the tenant itself' : `customer ${device.customer}`
      return { json: device, text: () => `Device ${name} belongs to ${owner} now.` }
    },
  }),
  command({
    words: 'device claim <name>',
    about: 'claim a device for your customer, with the secret it said it may be claimed with',
    flags: { secret: needed('--secret <key>', 'the secret') },
    examples: ['updraft device claim lamp-1 --secret KEY'],
    run: async ({ name, secret: secretKey }, { client }) => {
      const device = await client('claimDevice', { body: { name, secretKey } })
      return { json: device, text: () => `Device ${name} belongs to ${device.customer} now.` }
    },
  }),
  command({
    words: 'device give-back <name>',
    about: "give a device of your customer's back to the tenant",
    run: async ({ name }, { client }) => {
      const { id } = await findDevice(client, name)
      await client('giveBackDevice', { params: { id } })
      return { json: { id, name }, text: () => `Device ${name} belongs to the tenant again.` }
    },
  }),
]
