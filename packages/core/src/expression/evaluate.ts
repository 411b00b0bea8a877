/** Program and facts → whether it holds. */
import type { Program } from './compile.ts'
import { type DeviceFacts, LANGUAGE, type Values, valuesOf } from './language.ts'
import { typeName } from './mistakes.ts'
import { type Tree, textOf } from './tree.ts'

/** What cannot be decided does not hold, and says why. */
export type Verdict =
  | { readonly holds: true }
  | { readonly holds: false; readonly because?: string }

/** Whether the expression holds for a device with these facts at that moment. Never throws. */
export const holds = ({ tree }: Program, facts: DeviceFacts, now: Date): Verdict =>
  verdictOf(evaluate(tree, valuesOf(facts, now)))

export function verdictOf(outcome: Outcome): Verdict {
  if ('undecided' in outcome) return { holds: false, because: outcome.undecided }
  if (outcome.value === true) return { holds: true }
  if (outcome.value === false) return { holds: false }
  return { holds: false, because: 'It says neither yes nor no.' }
}

/** A part's value, or why it has none: a fact is missing, or is not of the type that was expected. */
export type Outcome = { readonly value: unknown } | { readonly undecided: string }

export function evaluate(
  tree: Tree,
  values: Values & Readonly<Record<string, unknown>>,
  language: Pick<typeof LANGUAGE, 'parse'> = LANGUAGE,
): Outcome {
  try {
    return { value: runnable(tree, language)(values) }
  } catch (error) {
    return { undecided: wording(error) }
  }
}

const runnables = new WeakMap<Tree, ReturnType<typeof LANGUAGE.parse>>()

function runnable(
  tree: Tree,
  language: Pick<typeof LANGUAGE, 'parse'>,
): ReturnType<typeof LANGUAGE.parse> {
  let run = runnables.get(tree)
  if (!run) {
    run = language.parse(textOf(tree))
    runnables.set(tree, run)
  }
  return run
}

function wording(error: unknown): string {
  const { code, summary, message } = error as { code?: string; summary?: string; message: string }
  const said = summary ?? message
  switch (code) {
    case 'no_such_key':
      return `The device has no "${/No such key: (.*)/.exec(said)?.[1] ?? ''}".`
    case 'unknown_variable':
      return said.endsWith('lastSeenAt')
        ? 'The device was never seen.'
        : `The device has no ${said.replace('Unknown variable: ', '')}.`
    case 'no_such_overload': {
      const [, left = '', operator = '', right = ''] =
        /^no such overload: (.+) (\S+) (.+)$/.exec(said) ?? []
      return `${sentence(typeName(left))} and ${typeName(right)} have no ${operator} between them.`
    }
    case 'bool_conversion_error':
    case 'double_conversion_error':
    case 'int_conversion_error':
    case 'uint_conversion_error':
      return `${sentence(typeName(code.replace('_conversion_error', '')))} cannot be made of what is there.`
    default:
      return sentence(said.split('\n')[0] ?? said).replace(/\.?$/, '.')
  }
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
