/** A ThingsBoard as docs/dialects/thingsboard.md, "HTTP device API", describes it: no ranges, no operations. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { bodyOf } from '../fake-server.test-helper.ts'
import { FakeThingsBoard, TOKEN } from './fake-thingsboard.test-helper.ts'

export class FakeHttp extends FakeThingsBoard {
  /** Called while the device waits; without it the wait is over at once. */
  onWait: (() => void) | null = null

  static async start(): Promise<FakeHttp> {
    const fake = new FakeHttp()
    const server = createServer((request, response) => void fake.#answer(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return fake
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const body = await bodyOf(request)
    const [, token, what] = /^\/api\/v1\/([^/]+)\/(.*)$/.exec(url.pathname) ?? []
    if (token !== TOKEN) return void response.writeHead(401).end()
    if (request.method === 'POST') {
      this.post(what === 'telemetry' ? what : 'attributes', JSON.parse(body))
      return void response.writeHead(200).end()
    }
    if (what === 'attributes/updates') {
      this.onWait?.()
      return void response.writeHead(this.onWait ? 200 : 408).end()
    }
    if (what === 'attributes') {
      const shared = this.named(url.searchParams.get('sharedKeys') ?? '')
      return void response.writeHead(200).end(JSON.stringify({ shared }))
    }
    const family = what === 'firmware' ? 'fw' : 'sw'
    if (url.searchParams.get('version') !== this.shared[`${family}_version`]) {
      return void response.writeHead(400).end()
    }
    const [size, index] = ['size', 'chunk'].map((name) => Number(url.searchParams.get(name)))
    const chunk = this.chunk(index ?? 0, size ?? 0)
    if (chunk === 'cut') request.socket.destroy()
    else if (chunk !== 'nothing') response.writeHead(200).end(chunk)
  }
}
