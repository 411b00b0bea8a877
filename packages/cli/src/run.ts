/** From arguments to a command, its answer printed, and an exit code: 0 done, 1 refused, 2 wrong words. */
import type { Command, Door } from './command.ts'
import { confirm } from './confirm.ts'
import { type Trouble, troubleOf, WrongWords } from './errors.ts'
import { dim, json, lookOf, painted } from './print.ts'
import { createProgress, NO_PROGRESS } from './progress.ts'
import { serve } from './serve.ts'
import { connect, serverUrl } from './server-door.ts'
import { CommanderError, type Globals, readWords, withoutHelpWord } from './words.ts'

export const EXIT = { done: 0, refused: 1, wrongWords: 2, interrupted: 130 } as const

/** What a program is handed by the shell. */
export interface World {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly now: () => Date
  /** From the call on, the user's Ctrl-C aborts this instead of ending the program. */
  readonly listenForInterrupt: () => AbortSignal
}

/** Does what the arguments say and returns the exit code. Never throws. */
export async function run(world: World): Promise<number> {
  const { argv, env, stdin, stdout, stderr, now } = world
  const isJson = argv.includes('--json')
  const outLook = lookOf(stdout, env, now())
  const errorLook = lookOf(stderr, env, now())
  let hasToken = Boolean(env.UPDRAFT_TOKEN)
  let mistake = 'A word is missing; --help shows which there are.'
  let isNo = false

  const complain = ({ code, message, status, hint, details }: Trouble) => {
    if (isJson) stderr.write(json({ error: { code, message, status, ...details } }, false))
    else {
      stderr.write(`${message}\n`)
      if (hint !== null) stderr.write(`${painted(dim(`Hint: ${hint}`), errorLook)}\n`)
    }
  }

  const onCommand = async (command: Command, input: Record<string, unknown>, globals: Globals) => {
    const token = globals.token ?? env.UPDRAFT_TOKEN
    hasToken = Boolean(token)
    const url = serverUrl(globals.url, env)
    const signal = world.listenForInterrupt()
    const hasBar = stderr.isTTY && !isJson
    const isAsked = hasBar && stdin.isTTY
    const door: Door = {
      client: connect(url, token, signal),
      url,
      isJson,
      signal,
      progress: (of) => (hasBar ? createProgress(of, stderr) : NO_PROGRESS),
      confirm: async (question) =>
        !isAsked || confirm(question, { input: stdin, output: stderr, signal }),
      write: writer(stdout),
      remark: (text) => {
        if (!isJson) stderr.write(`${text}\n`)
      },
    }
    const answer = await command.run(input, door)
    if (!answer) return
    isNo = answer.isNo === true
    await door.write(isJson ? json(answer.json, stdout.isTTY) : `${answer.text(outLook)}\n`)
  }

  try {
    await readWords(
      {
        write: (text) => stdout.write(text),
        columns: outLook.columns,
        hasColours: outLook.colours > 0,
      },
      {
        write: (text) => {
          if (!isJson) stderr.write(text)
        },
        columns: errorLook.columns,
        hasColours: errorLook.colours > 0,
      },
      {
        onCommand,
        onServe: (flags) => serve(flags),
        onMistake: (sentence) => {
          mistake = sentence
          if (!isJson) stderr.write(`${sentence}\n`)
        },
      },
    ).parseAsync(withoutHelpWord(argv), { from: 'user' })
    return isNo ? EXIT.refused : EXIT.done
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.done
    if (error instanceof CommanderError || error instanceof WrongWords) {
      if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done
      // People have read the mistake and the help already.
      if (isJson) complain({ ...NOTHING_KNOWN, code: 'words.wrong', message: mistake })
      return EXIT.wrongWords
    }
    if ((error as Error).name === 'AbortError') {
      complain({ ...NOTHING_KNOWN, code: 'interrupted', message: 'Interrupted.' })
      return EXIT.interrupted
    }
    complain(troubleOf(error, hasToken) ?? mistakeOfOurs(error, isJson))
    return EXIT.refused
  }
}

const NOTHING_KNOWN = { status: null, hint: null, details: {} } as const

const mistakeOfOurs = (error: unknown, isJson: boolean): Trouble => ({
  ...NOTHING_KNOWN,
  code: 'internal',
  message: isJson ? String(error) : ((error as Error).stack ?? String(error)),
  hint: 'This is a mistake in updraft itself.',
})

/** Resolves when the stream has taken the chunk, so that no more is read than is written. */
const writer =
  (stream: NodeJS.WriteStream) =>
  (chunk: Uint8Array | string): Promise<void> =>
    new Promise((resolve, reject) => {
      stream.write(chunk, (error) => (error ? reject(error) : resolve()))
    })
