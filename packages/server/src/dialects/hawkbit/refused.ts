/** A request of hawkBit's language, and the no to one. */
import type { ErrorName } from '@updraft/wire/hawkbit'
import type { FastifyRequest } from 'fastify'

export type Request = FastifyRequest<{
  Params: {
    tenant: string
    controllerId: string
    actionId: string
    moduleId: string
    fileName: string
  }
  Querystring: { actionHistory?: string }
}>

/** What a client hears instead of what it asked for. */
export class Refused extends Error {
  readonly status: number
  readonly says: ErrorName

  constructor(status: number, says: ErrorName, message: string) {
    super(message)
    this.status = status
    this.says = says
  }
}

export const noModule = () => new Refused(404, 'notFound', 'The device has no such module.')
