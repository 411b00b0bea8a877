import { readFileSync } from 'node:fs'
import { command } from '../command.ts'

export const VERSION: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version

export const versionCommands = [
  command({
    words: 'version',
    about: 'which version of updraft this is',
    run: async () => ({ json: { version: VERSION }, text: () => `updraft ${VERSION}` }),
  }),
]
