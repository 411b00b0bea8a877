/** The handlers of the routes about system models and hardware types. */
import type { MODEL_ROUTES } from '@updraft/api/routes/models'
import type * as api from '@updraft/api/shapes'
import type { HardwareType } from '@updraft/core'
import type { SystemModelView } from '../app/ports.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { pageView, time } from './views.ts'

export function modelHandlers({
  models,
}: Pick<OperatorNeeds, 'models'>): Pick<Handlers, keyof typeof MODEL_ROUTES> {
  return {
    listHardwareTypes: async ({ input: { query }, caller: { actor } }) =>
      pageView(await models.listHardwareTypes(actor, query), hardwareTypeView),
    createHardwareType: async ({ input: { body }, caller: { actor } }) =>
      hardwareTypeView(await models.createHardwareType(actor, body)),
    showHardwareType: async ({ input: { params }, caller: { actor } }) => {
      const { type, deviceCount } = await models.showHardwareType(actor, params.id)
      return { ...hardwareTypeView(type), deviceCount }
    },
    changeHardwareType: async ({ input: { params, body }, caller: { actor } }) =>
      hardwareTypeView(await models.changeHardwareType(actor, params.id, body)),
    removeHardwareType: async ({ input: { params }, caller: { actor } }) => {
      await models.removeHardwareType(actor, params.id)
    },

    listSystemModels: async ({ input: { query }, caller: { actor } }) =>
      pageView(await models.listSystemModels(actor, query), systemModelView),
    createSystemModel: async ({ input: { body }, caller: { actor } }) =>
      systemModelView(await models.createSystemModel(actor, body)),
    showSystemModel: async ({ input: { params }, caller: { actor } }) => {
      const { model, deviceCount } = await models.showSystemModel(actor, params.id)
      return { ...systemModelView(model), deviceCount }
    },
    changeSystemModel: async ({ input: { params, body }, caller: { actor } }) =>
      systemModelView(await models.changeSystemModel(actor, params.id, body)),
    removeSystemModel: async ({ input: { params }, caller: { actor } }) => {
      await models.removeSystemModel(actor, params.id)
    },
  }
}

export const hardwareTypeView = (type: HardwareType): api.HardwareType => ({
  ...type,
  partNumbers: [...type.partNumbers],
  createdAt: time(type.createdAt),
})

export const systemModelView = (model: SystemModelView): api.SystemModel => ({
  ...model,
  partNumbers: [...model.partNumbers],
  createdAt: time(model.createdAt),
})
