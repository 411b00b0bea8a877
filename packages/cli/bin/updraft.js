#!/usr/bin/env node
// Starts src/main.ts on a Node that strips types; an older one on the PATH hands over to the project's own.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // Compiled once, started many times: the second start takes a third of the first one's time.
  module.enableCompileCache()
  await import(new URL('../src/main.ts', import.meta.url).href)
} else {
  const pinned = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url))
  if (!existsSync(pinned)) {
    console.error(`updraft needs Node 24 or newer; this is ${process.version}.`)
    process.exit(2)
  }
  const self = fileURLToPath(import.meta.url)
  const child = spawn(pinned, [self, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
}
