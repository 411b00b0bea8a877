/** A program for tests: one life of the agent, ended by SIGKILL at the step it is told. */
import { type Device, live } from './crash-life.test-helper.ts'

const { device, cutAt, from } = JSON.parse(process.argv[2] ?? '{}') as {
  device: Device
  /** Counted from the step of that name on, or from the start. */
  cutAt: number
  from?: string
}

let steps = 0
let counts = from === undefined
const end = await live(device, async (what, torn) => {
  counts ||= what === from
  if (counts) steps += 1
  if (steps !== cutAt) return
  await torn?.()
  process.stdout.write(what)
  process.kill(process.pid, 'SIGKILL')
  for (;;);
})
process.stdout.write(JSON.stringify({ end: end.kind, steps }))
process.exit(0)
