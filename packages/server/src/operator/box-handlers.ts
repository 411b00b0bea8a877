/** The handlers of the routes about boxes, and about what devices log. */
import type { BOX_ROUTES } from '@updraft/api/routes/boxes'
import { boxView, logLineView } from './box-views.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { pageView } from './views.ts'

export function boxHandlers({
  boxes,
  clock,
  deviceLogs,
}: Pick<OperatorNeeds, 'boxes' | 'clock' | 'deviceLogs'>): Pick<Handlers, keyof typeof BOX_ROUTES> {
  return {
    showBoxServer: ({ input: { params }, caller: { actor } }) => boxes.showServer(actor, params.id),
    setBoxServer: ({ input: { params, body }, caller: { actor } }) =>
      boxes.setServer(actor, params.id, body),
    removeBoxServer: async ({ input: { params }, caller: { actor } }) => {
      await boxes.removeServer(actor, params.id)
    },
    restartBox: async ({ input: { params }, caller: { actor } }) => {
      await boxes.askRestart(actor, params.id)
    },
    loadHandlers: async ({ input: { params }, caller: { actor } }) => {
      await boxes.askLoadHandlers(actor, params.id)
    },
    showBox: async ({ input: { params }, caller: { actor }, shows }) => {
      const view = await boxes.show(actor, params.id)
      shows(view.device)
      return boxView(view, clock.now())
    },
    setBoxForm: async ({ input: { params, body }, caller: { actor }, revision, shows }) => {
      const view = await boxes.setForm(actor, params.id, body, revision)
      shows(view.device)
      return boxView(view, clock.now())
    },
    listLogLines: async ({ input: { params, query }, caller: { actor } }) =>
      pageView(await deviceLogs.lines(actor, params.id, query), logLineView),
  }
}
