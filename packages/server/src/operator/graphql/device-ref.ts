/** Names of types that speak of each other. */
import type * as api from '@updraft/api/shapes'
import { builder } from './builder.ts'

export const DeviceRef = builder.objectRef<api.Device>('Device')
