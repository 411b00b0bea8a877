/** The command line as commander reads it, built from the table of commands. The only file that knows commander. */
import { CommanderError, Help, InvalidArgumentError, Option, Command as Words } from 'commander'
import type { Command, Flag } from './command.ts'
import { VERSION } from './commands/version.ts'
import { COMMANDS, GROUPS, NOUNS } from './commands.ts'
import { WrongWords } from './errors.ts'

export { CommanderError }

/** What every command takes, in front of its words or after them. */
export interface Globals {
  readonly url?: string
  readonly token?: string
  readonly json?: boolean
}

const GLOBAL_FLAGS: Readonly<Record<keyof Globals, Flag<unknown>>> = {
  url: {
    flags: '--url <url>',
    about:
      'address of the server (UPDRAFT_URL; default: the one running on ./data, else http://127.0.0.1:8080)',
  },
  token: { flags: '--token <token>', about: 'API token (UPDRAFT_TOKEN)' },
  json: { flags: '--json', about: 'answer in JSON' },
}

/** `help device add` asks what `device add --help` asks. */
export function withoutHelpWord(argv: readonly string[]): readonly string[] {
  const at = argv.findIndex(
    (word, at) =>
      word === 'help' && (at === 0 || Object.hasOwn(NOUNS, argv.slice(0, at).join(' '))),
  )
  return at === -1 ? argv : [...argv.toSpliced(at, 1), '--help']
}

export interface Place {
  readonly write: (text: string) => void
  readonly columns: number | null
  readonly hasColours: boolean
}

export interface Listener {
  readonly onCommand: (
    command: Command,
    input: Record<string, unknown>,
    globals: Globals,
  ) => Promise<void>
  readonly onServe: (argv: string[]) => Promise<void>
  readonly onMistake: (sentence: string) => void
}

/** Throws CommanderError for --help, --version and words it does not know; WrongWords after showing the help. */
export function readWords(out: Place, error: Place, listener: Listener): Words {
  const root = new Words('updraft')
    .description('Updates for the devices you already have.')
    .usage('<command> [options]')
    .optionsGroup('Everywhere:')
    .version(VERSION, '-V, --version', 'which version this is')
    .addHelpOption(new Option('-h, --help', 'this help').helpGroup('Everywhere:'))
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError()
    .configureOutput({
      writeOut: out.write,
      writeErr: error.write,
      getOutHelpWidth: () => out.columns ?? 100,
      getErrHelpWidth: () => error.columns ?? 100,
      getOutHasColors: () => out.hasColours,
      getErrHasColors: () => error.hasColours,
      outputError: (text) => listener.onMistake(sentenceOf(text)),
    })
    .configureHelp({
      formatHelp: (words, help) =>
        everywhereLast(Help.prototype.formatHelp.call(help, words, help)),
      styleTitle: (title) => `\x1b[1m${title}\x1b[0m`,
      subcommandTerm: (words) =>
        [words.name(), words.usage().replace(/ ?\[options\]$/, '')].join(' ').trim(),
    })
  addGlobals(root)
  addGroups(root, listener)
  root.addHelpText(
    'after',
    '\nFirst steps:\n  $ updraft profile add Sensor\n  $ updraft device add sensor-1 --profile Sensor\n  $ updraft package add app.bin --title app --version 1.0.0 --profile Sensor\n  $ updraft assign app@1.0.0 --profile Sensor\n  $ updraft status',
  )
  return root
}

/** What one looks for comes first, what holds for every command last. */
function everywhereLast(help: string): string {
  const parts = help.trimEnd().split('\n\n')
  const isEverywhere = (part: string) => part.includes('Everywhere:')
  const sorted = [...parts.filter((part) => !isEverywhere(part)), ...parts.filter(isEverywhere)]
  return `${sorted.join('\n\n')}\n`
}

function addGroups(root: Words, listener: Listener): void {
  for (const [group, names] of Object.entries(GROUPS)) {
    for (const name of names) {
      const about = NOUNS[name]
      const words = name === 'serve' ? serveWords(root, listener) : root.command(name)
      words.helpGroup(`${group}:`)
      if (about !== undefined) asNoun(words, about)
      for (const command of COMMANDS.filter(({ words }) => words.split(' ')[0] === name)) {
        addCommand(placeOf(words, command), command, listener)
      }
    }
  }
}

function asNoun(words: Words, about: string): Words {
  words
    .description(`${capital(about)}.`)
    .summary(about)
    .usage('<verb>')
    .helpCommand(false)
  addGlobals(words)
  return words
}

/** Where its last word stands, below the nouns in front of it: `device credential add` below `device credential`. */
function placeOf(words: Words, command: Command): Words {
  const [first = '', ...rest] = command.words.replace(/ [<[].*/, '').split(' ')
  let [place, typed] = [words, first]
  for (const word of rest) {
    typed += ` ${word}`
    const about = NOUNS[typed]
    const known = place.commands.find((each) => each.name() === word)
    place = known ?? (about ? asNoun(place.command(word), about) : place.command(word))
  }
  return place
}

/** Takes whatever follows: the server reads its own flags. */
const serveWords = (root: Words, { onServe }: Listener): Words =>
  root
    .command('serve')
    .description('start the server; `updraft serve --help` lists its settings')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument('[flags...]')
    .usage('[flags]')
    .action(async (argv: string[]) => onServe(argv))

function addCommand(words: Words, command: Command, { onCommand, onMistake }: Listener): void {
  const { about, flags = {}, examples = [] } = command
  const names = [...command.words.matchAll(/[<[]([^>\]]+)[>\]]/g)].map(([term, name]) => {
    words.argument(term)
    return name?.replace(/\.\.\.$/, '') ?? ''
  })
  words.description(capital(`${about}.`)).summary(about.split(/[;:.]/)[0] ?? about)
  const needed = Object.values(flags).filter(({ isRequired }) => isRequired)
  words.usage(
    [
      ...names.map((name) => termOf(command, name)),
      ...needed.map(({ flags }) => flags),
      '[options]',
    ].join(' '),
  )
  for (const [name, flag] of Object.entries(flags)) words.addOption(optionOf(name, flag))
  addGlobals(words, command.words, Object.keys(flags))
  if (examples.length > 0) {
    words.addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`)
  }
  words.action(async () => {
    const own = words.opts()
    const input = Object.fromEntries([
      ...names.map((name, at) => [name, words.processedArgs[at]] as const),
      ...Object.keys(flags).map((name) => [name, own[name]] as const),
    ])
    try {
      await onCommand(command, input, globalsOf(words, Object.keys(flags)))
    } catch (error) {
      if (!(error instanceof WrongWords)) throw error
      onMistake(error.message)
      words.configureOutput().writeErr?.('\n')
      words.outputHelp({ error: true })
      throw error
    }
  })
}

const termOf = ({ words }: Command, name: string): string =>
  [`<${name}>`, `<${name}...>`].find((term) => words.includes(term)) ?? `[${name}]`

function optionOf(name: string, { flags, about, isRequired, standard, parse }: Flag<unknown>) {
  const option = new Option(flags, about)
  if (option.attributeName() !== name) throw new Error(`${flags} is not spelled like ${name}`)
  if (isRequired) option.makeOptionMandatory()
  if (standard !== undefined) option.default(standard, String(standard))
  if (parse) option.argParser((value) => parsed(value, parse))
  return option
}

function parsed(value: string, parse: (value: string) => unknown): unknown {
  try {
    return parse(value)
  } catch (error) {
    throw error instanceof WrongWords ? new InvalidArgumentError(error.message) : error
  }
}

/** A command that has a flag of the same name keeps it for itself; the global one then goes in front. */
function addGlobals(words: Words, typed = '', taken: readonly string[] = []): void {
  for (const [name, flag] of Object.entries(GLOBAL_FLAGS)) {
    if (taken.includes(name)) {
      words.addHelpText(
        'after',
        `\nThe ${flag.about.replace(/ \(.*/, '')} goes in front: updraft ${flag.flags} ${typed.replace(/ [<[].*/, '')} …`,
      )
    } else words.addOption(optionOf(name, flag).helpGroup('Everywhere:'))
  }
}

/** The innermost one said counts. */
function globalsOf(words: Words, taken: readonly string[]): Globals {
  const { url, token, json } = words.opts()
  const own = { url, token, json }
  for (const name of taken) delete own[name as keyof Globals]
  const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  return words.parent ? { ...globalsOf(words.parent, []), ...said } : said
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** `error: unknown command 'x'` as a sentence. */
const sentenceOf = (text: string): string => {
  const plain = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
  const sentence = capital(plain)
  return /[.?)]$/.test(sentence) ? sentence : `${sentence}.`
}
