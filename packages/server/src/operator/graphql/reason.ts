import { builder } from './builder.ts'

export interface Reason {
  readonly code: string
  readonly message: string
}

export const ReasonType = builder.objectRef<Reason>('Reason').implement({
  fields: (t) => ({
    code: t.exposeString('code'),
    message: t.exposeString('message', { description: 'A sentence for a person.' }),
  }),
})
