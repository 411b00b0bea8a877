// The measure of the download benchmark: Debian's nginx with Debian's settings, on a port and a folder of its own.

import { type ChildProcess, type SpawnSyncOptions, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { start } from '../parts/children.ts'

const PLACES = [
  '/usr/sbin/nginx',
  '/usr/local/sbin/nginx',
  '/usr/bin/nginx',
  '/usr/local/bin/nginx',
]

/** Where nginx is; installed if we may, undefined if there is none to be had. */
export function findNginx(): string | undefined {
  const found = PLACES.find((place) => existsSync(place))
  if (found || process.getuid?.() !== 0) return found
  const options: SpawnSyncOptions = { stdio: ['ignore', 2, 2] }
  const install = ['install', '-y', '--no-install-recommends', 'nginx-light']
  if (spawnSync('apt-get', install, options).status !== 0) {
    spawnSync('apt-get', ['update'], options)
    spawnSync('apt-get', install, options)
  }
  return PLACES.find((place) => existsSync(place))
}

/** nginx serving that folder at the url; its own files go to `temp`. */
export async function startNginx(
  nginx: string,
  folder: string,
  temp: string,
): Promise<{ child: ChildProcess; url: string }> {
  mkdirSync(temp, { recursive: true })
  const port = await freePort()
  const file = join(temp, 'nginx.conf')
  writeFileSync(file, settings(folder, temp, port))
  const child = start(nginx, ['-p', temp, '-e', join(temp, 'error.log'), '-c', file])
  await untilItListens(port, child)
  return { child, url: `http://127.0.0.1:${port}` }
}

/** As Debian ships it (a worker for each core, sendfile, tcp_nopush), but for the log of accesses, as ours has none. */
const settings = (folder: string, temp: string, port: number) => `
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes auto;
daemon off;
pid ${temp}/nginx.pid;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${temp}/body;
  proxy_temp_path ${temp}/proxy;
  fastcgi_temp_path ${temp}/fastcgi;
  uwsgi_temp_path ${temp}/uwsgi;
  scgi_temp_path ${temp}/scgi;
  server {
    listen 127.0.0.1:${port};
    root ${folder};
  }
}
`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port was given.')
  return address.port
}

async function untilItListens(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isOpen) return
    await setTimeout(20)
  }
  throw new Error(`nginx ended with ${child.exitCode}.`)
}
