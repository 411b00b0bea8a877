// Our side of the check-in benchmark: the whole platform on a database that is full of devices.

import pino from 'pino'
import { readConfig } from '../../packages/server/src/config.ts'
import { startPlatform } from '../../packages/server/src/platform.ts'
import { settingsOf } from '../parts/children.ts'

export interface ServerSettings {
  readonly data: string
  readonly databaseUrl: string
}

const config = readConfig([], {})
if (config === 'help') throw new Error('Nobody asked for help.')
const { endpoints } = await startPlatform({
  config: {
    ...config,
    ...settingsOf<ServerSettings>(),
    httpPort: 0,
    mqttPort: null,
    coapPort: null,
  },
  log: pino({ level: 'warn' }, pino.destination(2)),
})
console.log(JSON.stringify({ url: `${endpoints.http}/device/v1/check-in` }))
