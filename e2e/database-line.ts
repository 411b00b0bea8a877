/** A line between the platform and its database that a test can cut and mend. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

export interface DatabaseLine {
  readonly connectionString: string
  cut(): Promise<void>
  mend(): Promise<void>
}

export async function databaseLine(connectionString: string): Promise<DatabaseLine> {
  const target = new URL(connectionString)
  const folder = target.searchParams.get('host')
  const open = new Set<Socket>()
  const reach = () =>
    folder?.startsWith('/')
      ? connect(join(folder, `.s.PGSQL.${target.port || 5432}`))
      : connect(Number(target.port || 5432), folder ?? target.hostname)
  const newServer = (): Server =>
    createServer((near) => {
      const far = reach()
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        open.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => {
          open.delete(socket)
          other.destroy()
        })
        socket.pipe(other)
      }
    })
  let server = newServer()
  let port = 0
  const listen = async () => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address === 'object' && address) port = address.port
  }
  await listen()
  const through = new URL(connectionString)
  through.hostname = '127.0.0.1'
  through.port = String(port)
  through.searchParams.delete('host')
  return {
    connectionString: through.href,
    cut: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
    mend: async () => {
      server = newServer()
      await listen()
    },
  }
}
