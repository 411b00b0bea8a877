// Our side of the notify benchmark.

import { platformOf } from '../parts/platform.ts'

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

console.log(JSON.stringify(await platformOf<ServerSettings>({ mqttPort: 0 })))
