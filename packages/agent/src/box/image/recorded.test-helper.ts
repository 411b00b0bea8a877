/** Programs of a machine as they were recorded, and files as they lie on it. */
import { dirname } from 'node:path'
import { expect } from 'vitest'
import { MemoryDisk } from '../../memory-disk.ts'
import type { SlotPlace } from './boot-adapter.ts'
import type { Run, RunResult } from './run.ts'

/** A command line, with what it is given after `<`, and what it answers: text, or how it ends. */
export type Exchange = readonly [asked: string, answer: string | Partial<RunResult>]

/** Answers in that order, to exactly that. */
export function recorded(...exchanges: Exchange[]): { run: Run; expectOver: () => void } {
  const left = [...exchanges]
  return {
    run: async (command, args, { stdin, onLine } = {}) => {
      const [asked, answer] = left.shift() ?? ['nothing more', '']
      expect([command, ...args].join(' ') + (stdin ? ` < ${stdin}` : '')).toBe(asked)
      const result = typeof answer === 'string' ? { stdout: answer } : answer
      for (const line of result.stdout?.split('\n') ?? []) onLine?.(line)
      return { code: 0, stdout: '', stderr: '', ...result }
    },
    expectOver: () => expect(left).toEqual([]),
  }
}

/** A disk with those files. */
export async function diskWith(
  files: Readonly<Record<string, string | Buffer>>,
): Promise<MemoryDisk> {
  const memory = new MemoryDisk(() => {})
  for (const [path, content] of Object.entries(files)) {
    await memory.disk.mkdir(dirname(path), { recursive: true })
    const file = await memory.disk.open(path, 'w')
    await file.writeFile(content)
    await file.close()
  }
  return memory
}

/** Slots that nobody writes to here. */
export const NO_PLACE: SlotPlace = {
  kind: 'slots',
  capacity: async () => 0,
  open: () => Promise.reject(new Error('no slots here')),
  carryOver: async () => {},
}
