// Our side of the notify benchmark: the whole platform on a database that is full of devices.

import pino from 'pino'
import { readConfig } from '../../packages/server/src/config.ts'
import { startPlatform } from '../../packages/server/src/platform.ts'
import { settingsOf } from '../parts/children.ts'

export interface ServerSettings {
  readonly data: string
  readonly databaseUrl: string
  readonly adminToken: string
  readonly pacePackSize: number
  /** 0: all at once. */
  readonly paceIntervalMs: number
}

export interface Endpoints {
  readonly http: string
  readonly mqtt: string
}

const config = readConfig([], {})
if (config === 'help') throw new Error('Nobody asked for help.')
const { endpoints } = await startPlatform({
  config: {
    ...config,
    ...settingsOf<ServerSettings>(),
    httpPort: 0,
    mqttPort: 0,
    coapPort: null,
  },
  log: pino({ level: 'warn' }, pino.destination(2)),
})
console.log(JSON.stringify(endpoints))
