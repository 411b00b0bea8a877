import type { ArtifactStore } from '@updraft/api/shapes'
import { command } from '../command.ts'
import { type Column, countText, listText } from '../print.ts'

export const storeCommands = [
  command({
    words: 'store list',
    about: 'where the files of releases are kept, the default one first',
    run: async (_, { client }) => {
      const { items } = await client('listArtifactStores', {})
      const page = { items, nextCursor: null }
      return {
        json: page,
        text: (look) => listText(page, columns, 'There are no artifact stores.', look),
      }
    },
  }),
  command({
    words: 'store move <from> <to>',
    about: 'move all files of one store to another; addresses that were given out stay good',
    examples: ['updraft store move old default'],
    run: async ({ from, to }, { client }) => {
      const begun = await client('moveArtifacts', { body: { from, to } })
      const files = countText(begun.artifacts, 'file')
      return {
        json: begun,
        text: () =>
          `${files} on the way from ${from} to ${to}. \`updraft store list\` shows how far it is.`,
      }
    },
  }),
]

const columns: readonly Column<ArtifactStore>[] = [
  { title: 'Store', cell: ({ name, isDefault }) => (isDefault ? `${name} (default)` : name) },
  { title: 'Kind', cell: ({ kind }) => kind },
  { title: 'To come', cell: ({ progress }) => progress && String(progress.toCome), isNumber: true },
  {
    title: 'To leave',
    cell: ({ progress }) => progress && String(progress.toLeave),
    isNumber: true,
  },
  { title: 'Trouble', cell: ({ progress }) => progress?.error ?? null },
]
