/** What most tests of commands begin with. */
import { expect, onTestFinished } from 'vitest'
import { type FakeServer, startFakeServer } from './fake-server.ts'
import { runProgram } from './program.ts'
import { give, makeDevice, makeOperation, makeProfile, makeRelease } from './things.ts'

/** Ten seconds and three minutes after all that was made. */
const now = new Date('2026-03-01T12:03:10.000Z')

/** A server with one profile, a device being updated to app@1.4.0, and the program pointed at it. */
export async function start() {
  const server = await startFakeServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const { world } = server
  const profile = makeProfile('Sensor')
  const release = makeRelease({ title: 'app', version: '1.4.0' })
  const installed = { firmware: { title: 'app', version: '1.3.0' } }
  const device = makeDevice({ name: 'sensor-1', profile, installed })
  world.profiles.push(profile)
  world.releases.push(release)
  world.devices.push(device)
  const operation = makeOperation({ device, release, state: 'DOWNLOADING', progress: 40 })
  give(world, device, operation, { installed: installed.firmware })
  return { server, world, profile, release, device, operation, ...program(server) }
}

const program = (server: FakeServer) => ({
  updraft: (...args: string[]) => runProgram(args, { server, now }),
  json: async (...args: string[]) => {
    const { stdout, stderr, code } = await runProgram(['--json', ...args], { server, now })
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    return JSON.parse(stdout)
  },
})
