/** Starts a whole platform for a test: in this process, on a free port, with a database and a clock of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, createClient } from '@updraft/api/client'
import type { Device } from '@updraft/api/shapes'
import { type Config, readConfig } from '@updraft/server/config'
import { type PlatformOptions, startPlatform } from '@updraft/server/platform'
import pino, { type Logger } from 'pino'
import { testDatabase } from '../tools/test-database.ts'

type Every = NonNullable<PlatformOptions['every']>

export const ADMIN_TOKEN = 'an-administrator-of-a-test'

/** How long something that happens by itself may take before a test gives up on it. */
const PATIENCE_MS = 60_000

export interface Upload {
  readonly title: string
  readonly version: string
  readonly profile: string
  readonly type?: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly fileName?: string
  readonly requirement?: string
}

export interface TestPlatform {
  readonly url: string
  /** Where devices reach it over MQTT; as the others, the same after a restart. */
  readonly mqtt: { readonly host: string; readonly port: number }
  readonly coap: string
  readonly dataFolder: string
  readonly connectionString: string
  readonly api: Client
  /** Moves the platform's clock forward; what is to be done now and then is begun if its time has come. */
  advanceClock(by: { minutes: number }): void
  device(name: string): Promise<Device>
  /** The device once it is as wanted; rejects with what it is if that takes too long. */
  until(name: string, isSo: (device: Device) => boolean): Promise<Device>
  /** The states that each of the device's operations went through; the latest operation comes first. */
  history(name: string): Promise<string[][]>
  /** Resolves once so many devices hold a line open, by the platform's own figures. */
  waiting(devices: number): Promise<void>
  addProfile(name: string): Promise<string>
  /** Answers the device's token. */
  addDevice(name: string, profile: string, labels?: string[]): Promise<string>
  /** Uploads the bytes and makes a release of them; answers its id. */
  addRelease(upload: Upload): Promise<string>
  assign(
    releaseId: string,
    to: { profile: string } | { device: string },
    type?: string,
  ): Promise<void>
  /** Stops the server and starts it again on the same data, as after an upgrade. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** `settingsIn` may depend on the folder for its data. */
export async function testPlatform(
  settingsIn: Partial<Config> | ((dataFolder: string) => Partial<Config>) = {},
  { log = pino({ level: process.env.UPDRAFT_TEST_LOG ?? 'silent' }) }: { log?: Logger } = {},
): Promise<TestPlatform> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'updraft-e2e-'))
  const settings = typeof settingsIn === 'function' ? settingsIn(dataFolder) : settingsIn
  const database = await testDatabase()
  let skewMs = 0
  const clock = { now: () => new Date(Date.now() + skewMs) }
  /** What is done again and again: when the clock is moved past its time. */
  const regular = new Set<{ readonly ms: number; readonly work: () => void; dueMs: number }>()
  const every: Every = (ms, work) => {
    const each = { ms, work, dueMs: skewMs + ms }
    regular.add(each)
    return () => regular.delete(each)
  }
  const defaults = readConfig([], {}) as Config
  const start = (httpPort: number, mqttPort: number, coapPort: number) =>
    startPlatform({
      config: {
        ...defaults,
        data: dataFolder,
        databaseUrl: database.connectionString,
        adminToken: ADMIN_TOKEN,
        mqttPort,
        coapPort,
        ...settings,
        httpPort,
      },
      log,
      clock,
      every,
    })
  let platform = await start(0, 0, 0)
  const url = platform.endpoints.http
  const mqttUrl = new URL(platform.endpoints.mqtt ?? 'mqtt://none:0')
  const mqtt = { host: mqttUrl.hostname, port: Number(mqttUrl.port) }
  const coap = platform.endpoints.coap ?? 'coap://none:0'
  const api = createClient({ url, token: ADMIN_TOKEN })

  const profileId = async (name: string) => {
    const { items } = await api('listProfiles', { query: { name } })
    return items[0]?.id ?? fail(`There is no profile ${name}.`)
  }
  const soon = async (isSo: () => Promise<boolean>, complain: () => string) => {
    const deadline = performance.now() + PATIENCE_MS
    while (!(await isSo())) {
      if (performance.now() > deadline) fail(complain())
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const device = async (name: string) => {
    const { items } = await api('listDevices', { query: { name } })
    return items[0] ?? fail(`There is no device ${name}.`)
  }

  return {
    url,
    mqtt,
    coap,
    dataFolder,
    connectionString: database.connectionString,
    api,
    advanceClock: ({ minutes }) => {
      skewMs += minutes * 60_000
      for (const each of regular) {
        if (each.dueMs > skewMs) continue
        each.dueMs = skewMs + each.ms
        each.work()
      }
    },
    device,
    until: async (name, isSo) => {
      let current = await device(name)
      await soon(
        async () => {
          current = await device(name)
          return isSo(current)
        },
        () => `${name} did not become what was waited for: ${JSON.stringify(current, null, 2)}`,
      )
      return current
    },
    history: async (name) => {
      const { id } = await device(name)
      const { items } = await api('listDeviceOperations', { params: { id } })
      return items.map(({ steps }) => steps.map(({ state }) => state))
    },
    waiting: async (devices) => {
      let count = ''
      await soon(
        async () => {
          const figures = await (await fetch(`${url}/metrics`)).text()
          count = /^updraft_live_sessions (\d+)$/m.exec(figures)?.[1] ?? ''
          return count === String(devices)
        },
        () => `${count} devices are waiting, not ${devices}.`,
      )
    },
    addProfile: async (name) => (await api('createProfile', { body: { name } })).id,
    addDevice: async (name, profile, labels) =>
      (await api('createDevice', { body: { name, profile, labels } })).token ?? '',
    addRelease: async ({ bytes, type = 'firmware', ...release }) => {
      const { sha256 } = await api('uploadArtifact', { body: bytes })
      return (await api('createRelease', { body: { ...release, type, sha256 } })).id
    },
    assign: async (releaseId, to, type = 'firmware') => {
      const body = { releaseId }
      if ('profile' in to) {
        await api('assignToProfile', { params: { id: await profileId(to.profile), type }, body })
      } else {
        await api('assignToDevice', { params: { id: (await device(to.device)).id, type }, body })
      }
    },
    restart: async () => {
      await platform.stop()
      platform = await start(portOf(url), mqtt.port, portOf(coap))
    },
    stop: async () => {
      await platform.stop()
      await database.drop()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

const portOf = (address: string): number => Number(new URL(address).port)

function fail(message: string): never {
  throw new Error(message)
}
