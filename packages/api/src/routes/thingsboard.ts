/** What a device tells, under ThingsBoard's names. */
import { z } from 'zod'
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

const id = z.object({ id: shapes.Id })

export const THINGSBOARD_ROUTES = {
  showTimeseries: {
    method: 'GET',
    path: '/plugins/telemetry/DEVICE/:id/values/timeseries',
    summary: 'State, target and installed versions under the names ThingsBoard has for them',
    tag: 'thingsboard',
    permission: 'device.read',
    params: id,
    query: shapes.TimeseriesQuery,
    response: shapes.Timeseries,
  },
  listTimeseriesKeys: {
    method: 'GET',
    path: '/plugins/telemetry/DEVICE/:id/keys/timeseries',
    summary: 'Which of those names a device has values for',
    tag: 'thingsboard',
    permission: 'device.read',
    params: id,
    response: z.array(z.string()),
  },
  showAttributes: {
    method: 'GET',
    path: '/plugins/telemetry/DEVICE/:id/values/attributes/:scope',
    summary: "A device's attributes as ThingsBoard has them",
    tag: 'thingsboard',
    permission: 'device.read',
    params: id.extend({ scope: shapes.AttributeScope }),
    query: z.object({ keys: z.string().max(1024).optional() }),
    response: z.array(shapes.AttributeValue),
  },
} as const satisfies Record<string, Route>
