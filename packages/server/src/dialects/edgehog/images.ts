/** Files for Edgehog's devices: at an address that holds its own permission, with a length and in any part. */
import { DomainError } from '@updraft/core'
import type { FastifyInstance } from 'fastify'
import type { DeviceDesk } from '../../app/device-desk.ts'
import { replyWithSource } from '../../transports/byte-reply.ts'
import { byteSource } from '../../transports/byte-source.ts'
import { imagePath } from './requests.ts'

const STATUS_WORDS = {
  404: 'No such file',
  500: 'Internal error',
  503: 'Come back later',
} as const

export function edgehogImages(
  desk: Pick<DeviceDesk, 'redeemFetch'>,
): (app: FastifyInstance) => void {
  return (app) => {
    app.setErrorHandler((error, request, reply) => {
      const code = error instanceof DomainError ? error.code : null
      if (code === null) request.log.error({ err: error }, 'a bug')
      const status = code === 'store.away' ? 503 : code === null ? 500 : 404
      return reply.code(status).type('text/plain').send(STATUS_WORDS[status])
    })
    app.get<{ Params: { ticket: string } }>(
      imagePath(':ticket', ':version'),
      async (request, reply) => {
        const { handle, heard } = await desk.redeemFetch(request.params.ticket)
        const source = byteSource(handle, { name: handle.sha256 })
        // How far it is, the device says itself.
        if (request.method === 'GET') void heard()
        await replyWithSource(request, reply, source)
      },
    )
  }
}
