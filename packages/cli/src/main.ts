/** The program `updraft`: hands the process to `run`. */
import { run } from './run.ts'

/** A reader that has seen enough (`| head -1`) is no error. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

const exitCode = await run({
  argv: process.argv.slice(2),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: () => new Date(),
  listenForInterrupt: () => {
    const interrupt = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => interrupt.abort())
    }
    return interrupt.signal
  },
})
// A server that was started runs on, and sets its own code at its end.
if (exitCode !== 0) process.exitCode = exitCode
