/** A layer of code on this machine: real git, real disk, the service as a process. */
import * as disk from 'node:fs/promises'
import { join } from 'node:path'
import { silentLog } from '../../log.ts'
import { systemClock } from '../../waits.ts'
import { type CodeLayer, codeLayer } from './code-layer.ts'
import { gitUpstream } from './git-upstream.ts'
import { childService } from './service.ts'

export function codeOnDisk(folder: string, url: string): CodeLayer {
  const common = { environment: process.env, bootId: 'one', clock: systemClock, log: silentLog }
  const noteFile = join(folder, 'service.json')
  return codeLayer({
    ...common,
    disk,
    folder,
    upstream: gitUpstream({ ...common, folder: join(folder, 'upstream.git'), url }),
    service: childService({ ...common, noteFile, random: Math.random }),
    runs: () => null,
    platform: process.platform,
    random: Math.random,
    reserveBytes: 0,
  })
}
