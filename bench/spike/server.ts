// Our side of the spike.

import type { ServerSettings } from '../check-in/server.ts'
import { platformOf } from '../parts/platform.ts'

const { http } = await platformOf<ServerSettings>({ mqttPort: null })
console.log(JSON.stringify({ url: `${http}/ioto/tok/provision/update` }))
