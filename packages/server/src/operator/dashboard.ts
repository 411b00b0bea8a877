/** The dashboard's built files, and the page for every address of its own. */
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** Scripts and connections from here only; styles may be set by script, as the components do. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const PAGE = 'index.html'
/** Their names change with their content. */
const NAMED_BY_CONTENT = '/assets/'

export interface Dashboard {
  register(app: FastifyInstance): Promise<void>
}

/** `folder` holds the built files; where there are none the page says how to get them. */
export const dashboard = ({
  folder,
  isBuilt,
}: {
  folder: string
  isBuilt: boolean
}): Dashboard => ({
  register: async (app) => {
    if (!isBuilt) {
      app.get('/', (_request, reply) =>
        reply.type('text/plain').send('The dashboard is not built; npm start builds it.\n'),
      )
      return
    }
    await app.register(fastifyStatic, { root: folder, serve: false, preCompressed: true })
    const page = (_request: FastifyRequest, reply: FastifyReply) => send(reply, PAGE)
    app.get('/', page)
    app.get('/*', (request, reply) => {
      const path = request.url.split('?')[0] ?? ''
      if (/\.\w+$/.test(path)) return send(reply, path.slice(1))
      // Every other address is a place of the dashboard, but to browsers only: a device that asks for what is not
      // there must not take a page for its answer.
      if (request.headers.accept?.includes('text/html')) return page(request, reply)
      return reply.callNotFound()
    })
  },
})

function send(reply: FastifyReply, file: string): FastifyReply {
  const isLasting = `/${file}`.startsWith(NAMED_BY_CONTENT)
  return reply
    .headers({
      'cache-control': isLasting ? 'public, max-age=31536000, immutable' : 'no-cache',
      'content-security-policy': POLICY,
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    })
    .sendFile(file, { cacheControl: false })
}
