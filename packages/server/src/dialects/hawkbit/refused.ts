/** A request of hawkBit's language, what is read of it, and the no to one. */
import { bodyType, type ErrorName, readActionId, readBody } from '@updraft/wire/hawkbit'
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { claimedType } from '../../transports/http.ts'

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
export const noAction = () => new Refused(404, 'notFound', 'The device has no such action.')

/** The number of the action that the address names. */
export function actionIdOf(request: Request): number {
  const id = readActionId(request.params.actionId)
  if (id === undefined) throw noAction()
  return id
}

export const hasBody = ({ body }: Request): boolean => body !== undefined

export function bodyOf<T>(request: Request, shape: z.ZodType<T>): T {
  const type = bodyType(claimedType(request))
  if (type === null) throw new Refused(415, 'mediaType', 'Bodies are JSON or CBOR.')
  const { body } = request
  const value = body instanceof Uint8Array ? readBody(body, type) : undefined
  const read = value && shape.safeParse(value)
  if (read?.success) return read.data
  throw new Refused(400, 'notReadable', 'The body cannot be read, or lacks something.')
}
