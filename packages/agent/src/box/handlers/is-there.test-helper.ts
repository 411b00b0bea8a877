/** Whether a process is there and runs; one that has ended and was not looked after yet does not count. */
import { readFileSync } from 'node:fs'

export function isThere(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return false
  }
}
