import type { Operator } from '@updraft/api/shapes'
import { command, listFlags, neededRole, readRole, role, text } from '../command.ts'
import { customerIdOf, findUser, listAll } from '../lookup.ts'
import { type Column, facts, type Look, listText, passwordText, timeText } from '../print.ts'

const customer = text('--customer <name>', 'whose user it is: of a customer-user, and nobody else')

export const userCommands = [
  command({
    words: 'user add <name>',
    about: 'add a person who signs in with that name',
    flags: {
      role: neededRole('--role <role>', 'what they may'),
      customer,
      password: text('--password <password>', 'theirs (default: made up, and shown this once)'),
    },
    examples: [
      'updraft user add ada@acme.example --role operator',
      'updraft user add bob@lamps.example --role customer-user --customer Lamps',
    ],
    run: async ({ name, role, customer, password }, { client }) => {
      const customerId = await customerIdOf(client, customer)
      const user = await client('createOperator', { body: { name, role, customerId, password } })
      return {
        json: user,
        text: (look) =>
          `Added user ${user.name}, ${roleText(user)}.${passwordText(user.password, look)}`,
      }
    },
  }),
  command({
    words: 'user list',
    about: 'people and what they may',
    flags: {
      role: role('--role <role>', 'of this role'),
      customer: text('--customer <name>', 'users of this customer'),
      search: text('--search <text>', 'text within names'),
      ...listFlags,
    },
    run: async ({ role, customer, search, ...range }, { client }) => {
      const filter = { role, customer, search }
      const page = await listAll(range, (query) =>
        client('listOperators', { query: { ...query, ...filter } }),
      )
      return {
        json: page,
        text: (look) => listText(page, columns(look), 'Nobody is like that.', look),
      }
    },
  }),
  command({
    words: 'user show <name>',
    about: 'one person',
    run: async ({ name }, { client }) => {
      const user = await findUser(client, name)
      return {
        json: user,
        text: (look) =>
          facts(
            [
              ['User', user.name],
              ['Role', user.role],
              ['Customer', user.customer],
              ['Added', timeText(user.createdAt, look)],
            ],
            look,
          ),
      }
    },
  }),
  command({
    words: 'user role <name> <role>',
    about:
      'give a person another role; who may less than before is signed out, and their tokens end',
    flags: { customer },
    examples: ['updraft user role ada@acme.example viewer'],
    run: async ({ name, role: wanted, customer }, { client }) => {
      const { id } = await findUser(client, name)
      const customerId = await customerIdOf(client, customer)
      const user = await client('changeOperator', {
        params: { id },
        body: { role: readRole(wanted), customerId },
      })
      return { json: user, text: () => `User ${user.name} is ${roleText(user)} now.` }
    },
  }),
  command({
    words: 'user password <name>',
    about: 'give a person another password; they are signed out',
    flags: {
      password: text(
        '--password <password>',
        'the new one (default: made up, and shown this once)',
      ),
    },
    run: async ({ name, password: wanted }, { client }) => {
      const { id } = await findUser(client, name)
      const { password } = await client('resetPassword', {
        params: { id },
        body: { password: wanted },
      })
      return {
        json: { id, name, password },
        text: (look) => `User ${name} has another password.${passwordText(password, look)}`,
      }
    },
  }),
  command({
    words: 'user remove <name>',
    about: 'remove a person; they are signed out, and their tokens end',
    run: async ({ name }, { client }) => {
      const { id } = await findUser(client, name)
      await client('removeOperator', { params: { id } })
      return { json: { id, name }, text: () => `Removed user ${name}.` }
    },
  }),
]

const roleText = ({ role, customer }: Operator): string =>
  customer === null ? role : `${role} of ${customer}`

const columns = ({ now }: Look): readonly Column<Operator>[] => [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Role', cell: ({ role }) => role },
  { title: 'Customer', cell: ({ customer }) => customer },
  { title: 'Added', cell: ({ createdAt }) => timeText(createdAt, { now }) },
]
