// What a process has cost so far.

import { readFileSync } from 'node:fs'

/** Processor time of all its threads, in the program and for it in the kernel, which counts in hundredths of a second. */
export function spentMsOf(pid: number): number {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const [user, system] = rest.split(' ').slice(11, 13)
  return (Number(user) + Number(system)) * 10
}
