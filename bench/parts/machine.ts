// What a figure was measured on: it says little without.

import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os'

export interface Machine {
  readonly cores: number
  readonly cpu: string
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
}

export const machine = (): Machine => ({
  cores: availableParallelism(),
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: `${type()} ${release()} ${arch()}`,
  node: process.version,
})

export const printMachine = (its: Machine): string =>
  `${its.cores} cores (${its.cpu}), ${its.memoryGiB} GiB, ${its.kernel}, node ${its.node}`
