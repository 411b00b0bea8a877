/** System models and hardware types. */
import { z } from 'zod'
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

const id = z.object({ id: shapes.Id })
const query = shapes.ListQuery.extend({
  handle: z.string().optional().describe('exactly this handle'),
})

export const MODEL_ROUTES = {
  listHardwareTypes: {
    method: 'GET',
    path: '/hardware-types',
    summary: 'Hardware types',
    tag: 'models',
    permission: 'model.read',
    query,
    response: shapes.page(shapes.HardwareType),
  },
  createHardwareType: {
    method: 'POST',
    path: '/hardware-types',
    summary: 'Add a hardware type',
    tag: 'models',
    permission: 'model.write',
    body: shapes.HardwareTypeDraft,
    response: shapes.HardwareType,
    status: 201,
  },
  showHardwareType: {
    method: 'GET',
    path: '/hardware-types/:id',
    summary: 'One hardware type, with how many devices are of it',
    tag: 'models',
    permission: 'model.read',
    params: id,
    response: shapes.HardwareTypeWithCount,
  },
  changeHardwareType: {
    method: 'PATCH',
    path: '/hardware-types/:id',
    summary: 'Change a hardware type',
    tag: 'models',
    permission: 'model.write',
    params: id,
    body: shapes.HardwareTypeChange,
    response: shapes.HardwareType,
  },
  removeHardwareType: {
    method: 'DELETE',
    path: '/hardware-types/:id',
    summary: 'Remove a hardware type; refused while system models are of it',
    tag: 'models',
    permission: 'model.write',
    params: id,
    response: 'nothing',
  },
  listSystemModels: {
    method: 'GET',
    path: '/system-models',
    summary: 'System models, with the profile their devices get',
    tag: 'models',
    permission: 'model.read',
    query: query.extend({ hardwareTypeId: shapes.Id.optional(), profileId: shapes.Id.optional() }),
    response: shapes.page(shapes.SystemModel),
  },
  createSystemModel: {
    method: 'POST',
    path: '/system-models',
    summary: 'Add a system model',
    tag: 'models',
    permission: 'model.write',
    body: shapes.SystemModelDraft,
    response: shapes.SystemModel,
    status: 201,
  },
  showSystemModel: {
    method: 'GET',
    path: '/system-models/:id',
    summary: 'One system model, with how many devices are of it',
    tag: 'models',
    permission: 'model.read',
    params: id,
    response: shapes.SystemModelWithCount,
  },
  changeSystemModel: {
    method: 'PATCH',
    path: '/system-models/:id',
    summary: 'Change a system model, but for its hardware type',
    tag: 'models',
    permission: 'model.write',
    params: id,
    body: shapes.SystemModelChange,
    response: shapes.SystemModel,
  },
  removeSystemModel: {
    method: 'DELETE',
    path: '/system-models/:id',
    summary: 'Remove a system model; its devices stay as they are',
    tag: 'models',
    permission: 'model.write',
    params: id,
    response: 'nothing',
  },
} as const satisfies Record<string, Route>
