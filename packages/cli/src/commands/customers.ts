import type { Customer } from '@updraft/api/shapes'
import { command, listFlags, text } from '../command.ts'
import { findCustomer, listAll } from '../lookup.ts'
import { type Column, countText, facts, listText, timeText } from '../print.ts'

export const customerCommands = [
  command({
    words: 'customer add <name>',
    about: 'add a customer, who may own devices and have users',
    examples: ['updraft customer add Acme'],
    run: async ({ name }, { client }) => {
      const customer = await client('createCustomer', { body: { name } })
      return { json: customer, text: () => `Added customer ${customer.name}.` }
    },
  }),
  command({
    words: 'customer list',
    about: 'all customers, with how many devices and users they have',
    flags: { search: text('--search <text>', 'text within names'), ...listFlags },
    run: async ({ search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listCustomers', { query: { ...query, search } }),
      )
      return {
        json: page,
        text: (look) => listText(page, columns, 'There are no customers.', look),
      }
    },
  }),
  command({
    words: 'customer show <name>',
    about: 'one customer',
    run: async ({ name }, { client }) => {
      const customer = await findCustomer(client, name)
      const { deviceCount, userCount, createdAt } = customer
      return {
        json: customer,
        text: (look) =>
          facts(
            [
              ['Customer', customer.name],
              ['Owns', countText(deviceCount, 'device')],
              ['Has', countText(userCount, 'user')],
              ['Added', timeText(createdAt, look)],
            ],
            look,
          ),
      }
    },
  }),
  command({
    words: 'customer rename <name> <new-name>',
    about: 'give a customer another name',
    run: async ({ name, 'new-name': newName }, { client }) => {
      const { id } = await findCustomer(client, name)
      const customer = await client('changeCustomer', { params: { id }, body: { name: newName } })
      return { json: customer, text: () => `Customer ${name} is called ${customer.name} now.` }
    },
  }),
  command({
    words: 'customer remove <name>',
    about: 'remove a customer; refused while it owns devices or has users',
    run: async ({ name }, { client }) => {
      const { id } = await findCustomer(client, name)
      await client('removeCustomer', { params: { id } })
      return { json: { id, name }, text: () => `Removed customer ${name}.` }
    },
  }),
]

const columns: readonly Column<Customer>[] = [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Devices', cell: ({ deviceCount }) => deviceCount.toLocaleString('en'), isNumber: true },
  { title: 'Users', cell: ({ userCount }) => userCount.toLocaleString('en'), isNumber: true },
]
