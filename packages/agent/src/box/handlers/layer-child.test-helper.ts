/** A program for tests: a box's layer of handlers that loads an archive, says how that went, and stays. */
import { handlersLayer } from './handlers-layer.ts'
import { processHosts } from './process-host.ts'

const { folder, file } = JSON.parse(process.argv[2] ?? '{}') as { folder: string; file: string }

const layer = handlersLayer({
  folder,
  startHost: processHosts({ environment: process.env }),
  steadySeconds: 0.2,
  reserveBytes: 0,
})
await layer.wakeUp(new AbortController().signal)
const result = await layer.installer.install({
  file,
  release: { operation: '1', type: 'handlers', title: 'Drivers', version: '1', sizeBytes: null },
  previous: null,
  remember: async () => {},
})
process.stdout.write(`${JSON.stringify({ result, details: layer.status().details })}\n`)
setInterval(() => {}, 1_000)
