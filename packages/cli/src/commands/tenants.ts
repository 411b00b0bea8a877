import type { Tenant } from '@updraft/api/shapes'
import { command, listFlags, needed, text } from '../command.ts'
import { findTenant, listAll } from '../lookup.ts'
import { type Column, type Look, listText, passwordText, timeText } from '../print.ts'

export const tenantCommands = [
  command({
    words: 'tenant add <name>',
    about: 'add a tenant with its first administrator',
    flags: {
      administrator: needed('--administrator <name>', 'who signs in first'),
      password: text('--password <password>', 'theirs (default: made up, and shown this once)'),
    },
    examples: ['updraft tenant add Acme --administrator ada@acme.example'],
    run: async ({ name, administrator, password }, { client }) => {
      const tenant = await client('createTenant', {
        body: { name, administrator: { name: administrator, password } },
      })
      return {
        json: tenant,
        text: (look) =>
          `Added tenant ${tenant.name} with administrator ${tenant.administrator.name}.${passwordText(tenant.administrator.password, look)}`,
      }
    },
  }),
  command({
    words: 'tenant list',
    about: 'all tenants',
    flags: { search: text('--search <text>', 'text within names'), ...listFlags },
    run: async ({ search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listTenants', { query: { ...query, search } }),
      )
      return {
        json: page,
        text: (look) => listText(page, columns(look), 'There are no tenants.', look),
      }
    },
  }),
  command({
    words: 'tenant rename <name> <new-name>',
    about: 'give a tenant another name',
    run: async ({ name, 'new-name': newName }, { client }) => {
      const { id } = await findTenant(client, name)
      const tenant = await client('changeTenant', { params: { id }, body: { name: newName } })
      return { json: tenant, text: () => `Tenant ${name} is called ${tenant.name} now.` }
    },
  }),
  command({
    words: 'tenant remove <name>',
    about: 'remove a tenant with its people; refused while it has profiles or customers',
    run: async ({ name }, { client }) => {
      const { id } = await findTenant(client, name)
      await client('removeTenant', { params: { id } })
      return { json: { id, name }, text: () => `Removed tenant ${name}.` }
    },
  }),
]

const columns = ({ now }: Look): readonly Column<Tenant>[] => [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Added', cell: ({ createdAt }) => timeText(createdAt, { now }) },
]
