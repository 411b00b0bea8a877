/** Prometheus figures, health and readiness. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { EventFeed } from '../app/ports.ts'

export interface Metrics {
  /** Counts an answered HTTP request. */
  answered(request: FastifyRequest, reply: FastifyReply): void
  /** /healthz, /readyz and /metrics. */
  register(app: FastifyInstance): void
}

export function metrics({
  feed,
  liveSessionCount,
  isReady,
}: {
  feed: EventFeed
  liveSessionCount: () => number
  /** Whether it has started and the database answers; rejects when not. */
  isReady: () => Promise<void>
}): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'updraft_' })
  const durations = new Histogram({
    name: 'updraft_http_request_duration_seconds',
    help: 'HTTP requests by method, route and status class.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 60],
    registers: [registry],
  })
  const operations = new Counter({
    name: 'updraft_operations_total',
    help: 'Moves of operations by the state they moved to.',
    labelNames: ['state', 'type'],
    registers: [registry],
  })
  new Gauge({
    name: 'updraft_live_sessions',
    help: 'Devices that hold a line open, waiting to be told.',
    registers: [registry],
    collect() {
      this.set(liveSessionCount())
    },
  })
  feed.subscribe((delivered) => {
    for (const { event } of delivered) {
      if (!event?.kind.startsWith('operation.')) continue
      operations.inc({ state: String(event.data.state), type: String(event.data.type) })
    }
  })

  return {
    answered: (request, reply) => {
      const route = request.routeOptions.url ?? 'none'
      const status = `${Math.floor(reply.statusCode / 100)}xx`
      durations.observe({ method: request.method, route, status }, reply.elapsedTime / 1000)
    },
    register: (app) => {
      app.get('/healthz', async () => ({ status: 'alive' }))
      app.get('/readyz', async (_request, reply) => {
        try {
          await isReady()
          return { status: 'ready' }
        } catch {
          return reply.status(503).header('retry-after', '5').send({
            status: 'not ready',
            because: 'the server is starting, or the database does not answer',
          })
        }
      })
      app.get('/metrics', async (_request, reply) =>
        reply.type(registry.contentType).send(await registry.metrics()),
      )
    },
  }
}
