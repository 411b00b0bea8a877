/** The handlers of the routes about boxes. */
import type { BOX_ROUTES } from '@updraft/api/routes/boxes'
import type { Handlers, OperatorNeeds } from './call.ts'

export function boxHandlers({
  boxes,
}: Pick<OperatorNeeds, 'boxes'>): Pick<Handlers, keyof typeof BOX_ROUTES> {
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
  }
}
