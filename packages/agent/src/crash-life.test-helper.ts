/** One life of an agent on a device that may die at any step: what it does to disk, server and script is counted. */

import type { FileHandle } from 'node:fs/promises'
import * as promises from 'node:fs/promises'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunEnd } from './agent.ts'
import { createAgent } from './create-agent.ts'
import type { Disk } from './disk.ts'
import { TOKEN } from './fake-server.test-helper.ts'
import type { Installer } from './installer.ts'
import { scriptInstaller } from './installers/script.ts'
import type { Uplink } from './uplink.ts'
import { edgehogUplink } from './uplinks/edgehog.ts'
import { AGENT_TOKEN, REALM } from './uplinks/fake-astarte-pairing.test-helper.ts'
import { CONTROLLER, TOKEN as HAWKBIT_TOKEN } from './uplinks/fake-hawkbit.test-helper.ts'
import { TOKEN as THINGSBOARD_TOKEN } from './uplinks/fake-thingsboard.test-helper.ts'
import { hawkbitUplink } from './uplinks/hawkbit.ts'
import { thingsBoardUplink } from './uplinks/thingsboard.ts'
import { updraftUplink } from './uplinks/updraft.ts'
import { systemClock } from './waits.ts'

export interface Device {
  /** An http address is that of our own protocol, of a pairing API or of a hawkBit; others speak ThingsBoard. */
  readonly server: string
  /** Holds the state folder, the script, what is installed and the number of the boot. */
  readonly folder: string
  /** What the script prints at its end. */
  readonly word: 'done' | 'exit' | 'restart'
}

/** Called before each step; `torn` is for a write: it does half of it. */
export type Step = (what: string, torn?: () => Promise<unknown>) => Promise<void>

/** A device with version 1.0.0, whose script puts the file in place and the version beside it. */
export async function makeDevice(device: Device, more = ''): Promise<void> {
  const { folder, word } = device
  const script = `#!/bin/sh
set -e
echo "$UPDRAFT_OPERATION" >> ${folder}/installs
${more}
cp "$1" ${folder}/new && mv ${folder}/new ${folder}/image
echo "\${UPDRAFT_VERSION:-1.1.0}" > ${folder}/version.new && mv ${folder}/version.new ${folder}/version
echo ${word}
`
  await promises.mkdir(join(folder, 'state'))
  await writeFile(join(folder, 'update'), script, { mode: 0o755 })
  await writeFile(join(folder, 'version'), '1.0.0\n')
  await writeFile(join(folder, 'boot'), '')
}

export async function live(device: Device, step: Step): Promise<RunEnd> {
  const { server, folder, word } = device
  const script = scriptInstaller({
    script: join(folder, 'update'),
    environment: process.env,
    folder: join(folder, 'state'),
    timeoutMs: 60_000,
    clock: systemClock,
  })
  const disk = steppingDisk(step)
  const agent = await createAgent({
    uplink: steppingUplink(uplinkTo(device, disk), step),
    stateFolder: join(folder, 'state'),
    disk,
    installed: { firmware: { title: 'app', version: '1.0.0' } },
    installers: { firmware: steppingInstaller(script, step) },
    // In place, the agent itself keeps count of what is installed; a new image is asked.
    askInstalled:
      word === 'done'
        ? undefined
        : async () => ({
            firmware: {
              title: null,
              version: (await readFile(join(folder, 'version'), 'utf8')).trim(),
            },
          }),
    restart: async () => {
      await step('restart')
      await appendFile(join(folder, 'boot'), '+')
    },
    bootId: `boot ${await readFile(join(folder, 'boot'), 'utf8')}`,
    isUncheckedAllowed: server.endsWith('/pairing'),
    reserveBytes: 0,
    syncEveryBytes: 16_384,
    backOffBaseSeconds: 0.01,
    backOffCapSeconds: 0.05,
  })
  return await agent.run({ once: true })
}

/** Pairing and hawkBit have paths of their own, so the address tells who is meant. */
function uplinkTo({ server, folder }: Device, disk: Disk): Uplink {
  if (server.endsWith('/hawkbit')) {
    const token = async () => HAWKBIT_TOKEN
    return hawkbitUplink({ server: new URL(server).origin, id: CONTROLLER, token })
  }
  if (server.endsWith('/pairing')) {
    return edgehogUplink({
      server,
      realm: REALM,
      astarteId: null,
      agentToken: async () => AGENT_TOKEN,
      disk,
      stateFolder: join(folder, 'state'),
      trust: { isUnverified: true },
    })
  }
  return server.startsWith('http:')
    ? updraftUplink({ server, token: async () => TOKEN })
    : thingsBoardUplink({ server, token: async () => THINGSBOARD_TOKEN, chunkBytes: 8192 })
}

function steppingUplink(uplink: Uplink, step: Step): Uplink {
  return {
    ...uplink,
    checkIn: async (about) => {
      await step('check-in')
      const answer = await uplink.checkIn(about)
      await step('checked in')
      return answer
    },
    report: async (offer, report, signal) => {
      await step(`report ${report.state}`)
      const answer = await uplink.report(offer, report, signal)
      await step(`reported ${report.state}`)
      return answer
    },
    fetch: async (...parameters) => {
      await step('fetch')
      return uplink.fetch(...parameters)
    },
  }
}

function steppingInstaller(installer: Installer, step: Step): Installer {
  return {
    install: async (job) => {
      await step('install')
      const result = await installer.install(job)
      await step('installed')
      return result
    },
    settle: async (mark) => installer.settle?.(mark),
  }
}

/** The real disk, with a step before everything that changes it. */
function steppingDisk(step: Step): Disk {
  const around =
    <P extends unknown[], R>(name: string, act: (...parameters: P) => Promise<R>) =>
    async (...parameters: P): Promise<R> => {
      await step(`${name} ${String(parameters[0]).split('/').at(-1)}`)
      return await act(...parameters)
    }
  return {
    ...promises,
    open: (async (path, flags, mode) => {
      if (flags !== 'r') await step(`open ${String(path).split('/').at(-1)}`)
      return steppingFile(await promises.open(path, flags, mode), step)
    }) as Disk['open'],
    link: around('link', promises.link),
    mkdir: around('mkdir', promises.mkdir) as Disk['mkdir'],
    rename: around('rename', promises.rename),
    rm: around('rm', promises.rm),
  }
}

type Write = (
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesWritten: number }>

function steppingFile(file: FileHandle, step: Step): FileHandle {
  const { writeFile, sync, truncate } = file
  const write: Write = file.write.bind(file)
  return Object.assign(file, {
    sync: async () => {
      await step('sync')
      await sync.call(file)
    },
    truncate: async (length: number) => {
      await step('truncate')
      await truncate.call(file, length)
    },
    write: async (buffer: Buffer, offset: number, length: number, position: number) => {
      const half = () => write(buffer, offset, Math.floor(length / 2), position)
      await step('write', half)
      return await write(buffer, offset, length, position)
    },
    writeFile: async (text: string) => {
      await step('write whole', () => writeFile.call(file, text.slice(0, text.length / 2)))
      await writeFile.call(file, text)
    },
  })
}
