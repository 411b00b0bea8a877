#!/usr/bin/env node
// Starts src/main.ts on a Node that strips types; an older one on the PATH hands over to the project's own.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = new URL('../src/main.ts', import.meta.url)

if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main.href)
} else {
  const pinned = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url))
  if (!existsSync(pinned)) {
    console.error(`updraft-simulator needs Node 24 or newer; this is ${process.version}.`)
    process.exit(2)
  }
  const child = spawn(pinned, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
}
