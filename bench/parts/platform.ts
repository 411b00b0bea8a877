// Our side of a benchmark: the whole platform, as a process of its own, on a database that is full of devices.

import pino from 'pino'
import { type Config, readConfig } from '../../packages/server/src/config.ts'
import { startPlatform } from '../../packages/server/src/platform.ts'
import { settingsOf } from './children.ts'

/** With the settings that `startSource` has handed over; answers where it is reached. */
export async function platformOf<Settings extends Partial<Config>>({
  mqttPort,
}: Pick<Config, 'mqttPort'>) {
  const config = readConfig([], {})
  if (config === 'help') throw new Error('Nobody asked for help.')
  const { endpoints } = await startPlatform({
    config: { ...config, ...settingsOf<Settings>(), httpPort: 0, mqttPort, coapPort: null },
    log: pino({ level: 'warn' }, pino.destination(2)),
  })
  return endpoints
}
