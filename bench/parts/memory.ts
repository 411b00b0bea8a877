// What a process takes of the memory, by Linux's own account.

import { readFileSync } from 'node:fs'

/** Resident memory of a process now, and at its highest so far, in MiB. */
export function memoryOf(processId: number): { nowMiB: number; highestMiB: number } {
  const status = readFileSync(`/proc/${processId}/status`, 'utf8')
  const mebibytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024
  return { nowMiB: mebibytes('VmRSS'), highestMiB: mebibytes('VmHWM') }
}

const SAMPLE_MS = 50

/** Follows a process until told to stop; that answers how much it took at most, in MiB. */
export function watchMemory(processId: number): () => number {
  let peakMiB = memoryOf(processId).nowMiB
  const sampling = setInterval(() => {
    peakMiB = Math.max(peakMiB, memoryOf(processId).nowMiB)
  }, SAMPLE_MS)
  return () => {
    clearInterval(sampling)
    return peakMiB
  }
}
