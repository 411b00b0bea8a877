import type { Client } from '@updraft/api/client'
import type { Token } from '@updraft/api/shapes'
import { command, listFlags, role } from '../command.ts'
import { Refusal, WrongWords } from '../errors.ts'
import { listAll } from '../lookup.ts'
import { type Column, facts, type Look, listText, timeText } from '../print.ts'

export const accountCommands = [
  command({
    words: 'token create <name>',
    about: 'make an API token for yourself; it is shown this once',
    flags: { role: role('--role <role>', 'a lesser one than your own, if it is to do less') },
    examples: [
      'updraft token create build-server',
      'updraft token create wall-display --role viewer',
    ],
    run: async ({ name, role }, { client }) => {
      const made = await client('createToken', { body: { name, role } })
      return {
        json: made,
        text: (look) =>
          `Made token ${made.name}.\n${facts([['Token', made.token]], look)}\nIt is not shown again. Programs find it in UPDRAFT_TOKEN.`,
      }
    },
  }),
  command({
    words: 'token list',
    about: 'API tokens and when they were last used',
    flags: listFlags,
    run: async (range, { client }) => {
      const page = await listAll(range, (query) => client('listTokens', { query }))
      return {
        json: page,
        text: (look) => listText(page, columns(look), 'There are no tokens.', look),
      }
    },
  }),
  command({
    words: 'token revoke <id-or-name>',
    about: 'end an API token at once',
    run: async ({ 'id-or-name': wanted }, { client }) => {
      const { id, name } = await findToken(client, wanted)
      await client('revokeToken', { params: { id } })
      return { json: { id, name }, text: () => `Revoked token ${name}.` }
    },
  }),
]

/** The token of that id, else the one of that name that is not revoked yet. */
async function findToken(client: Client, wanted: string): Promise<Token> {
  const { items } = await listAll({}, (query) => client('listTokens', { query }))
  const exact = items.find(({ id }) => id === wanted)
  if (exact) return exact
  const named = items.filter(({ name, revokedAt }) => name === wanted && revokedAt === null)
  const [first] = named
  if (!first) {
    throw new Refusal({
      code: 'token.unknown',
      message: `There is no token "${wanted}" in use.`,
      hint: '`updraft token list` shows what there is.',
    })
  }
  if (named.length === 1) return first
  throw new WrongWords(
    `Several tokens are called "${wanted}"; say the id: ${named.map(({ id }) => id).join(', ')}.`,
  )
}

const columns = ({ now }: Look): readonly Column<Token>[] => {
  return [
    { title: 'Name', cell: ({ name }) => name },
    { title: 'Operator', cell: ({ operator }) => operator },
    { title: 'Role', cell: ({ role }) => role },
    { title: 'Made', cell: ({ createdAt }) => timeText(createdAt, { now }) },
    { title: 'Last used', cell: ({ lastUsedAt }) => timeText(lastUsedAt, { now }) ?? 'never' },
    {
      title: 'Revoked',
      cell: ({ revokedAt }) => timeText(revokedAt, { now }),
    },
    { title: 'Id', cell: ({ id }) => id },
  ]
}
