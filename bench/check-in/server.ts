// Our side of the check-in benchmark.

import { platformOf } from '../parts/platform.ts'

export interface ServerSettings {
  readonly data: string
  readonly databaseUrl: string
}

const { http } = await platformOf<ServerSettings>({ mqttPort: null })
console.log(JSON.stringify({ url: `${http}/device/v1/check-in` }))
