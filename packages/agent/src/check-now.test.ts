/** Who does not want to wait, what an offer needs, and what the program around the agent lays down. */
import { once } from 'node:events'
import { expect, test } from 'vitest'
import type { Turn } from './carry-out.ts'
import { someBytes } from './fake-server.test-helper.ts'
import { HandClock, quickAgent, startServer } from './test-bench.test-helper.ts'

test('a wait for the next check-in ends at once', async () => {
  const server = await startServer()
  const { agent } = await quickAgent(server, { clock: new HandClock() })
  const ended = agent.run()
  await once(agent, 'waiting')
  const next = once(server, 'check-in')
  agent.checkNow()
  await next
  agent.stop()
  expect(await ended).toEqual({ kind: 'stopped' })
})

test('a check-in that the server holds ends at once, and the next one is not held', async () => {
  const server = await startServer()
  server.isHolding = true
  server.onlyIfAsked.add('firmware')
  const { bytes } = server.offer()
  const { agent, installed } = await quickAgent(server, { waitSeconds: 60 })
  const held = once(server, 'check-in')
  const ended = agent.run()
  expect((await held)[0]).toMatchObject({ wait: 'wait=60' })
  agent.on('ended', () => agent.stop())
  agent.checkNow(['firmware'])
  await ended
  expect(server.checkIns[1]).toMatchObject({ asked: ['firmware'] })
  expect(installed).toEqual([bytes])
})

test('who asks is told so, and asks once when there is nothing', async () => {
  const server = await startServer()
  const { agent } = await quickAgent(server)
  const asked: (readonly string[])[] = []
  agent.on('check-in', (_answer, told) => {
    asked.push(told.asked)
    if (asked.length === 2) agent.stop()
  })
  agent.checkNow(['handlers'])
  await agent.run()
  expect(asked).toEqual([['handlers'], []])
})

test('a server that is away is asked again at once', async () => {
  const server = await startServer()
  const { agent } = await quickAgent(server, { clock: new HandClock() })
  await server.down()
  const away = once(agent, 'away')
  const waits = once(agent, 'waiting')
  const ended = agent.run()
  expect((await away)[0].message).not.toBe('')
  await waits
  await server.up()
  const next = once(server, 'check-in')
  agent.checkNow(['firmware'])
  expect((await next)[0]).toMatchObject({ asked: ['firmware'] })
  agent.stop()
  await ended
})

test.each([
  [{ image: '>= 24.10' }, 'it needs image >= 24.10, and here runs none that is known'],
  [{ firmware: '>= 2.0.0' }, 'it needs firmware >= 2.0.0, and here runs 1.0.0'],
  [{ firmware: 'about two' }, 'it needs firmware about two, and here runs 1.0.0'],
])('an offer that needs %j fails before a byte is fetched', async (needs, why) => {
  const server = await startServer()
  server.offer({ needs })
  const { agent } = await quickAgent(server)
  expect((await agent.run({ once: true })).kind).toBe('failed')
  expect([server.error(), server.ranges]).toEqual([why, []])
})

test('an offer whose needs are met is carried out', async () => {
  const server = await startServer()
  server.offer({ needs: { firmware: '>= 1.0.0' } })
  const { agent } = await quickAgent(server)
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
})

test('bytes are told as they come', async () => {
  const server = await startServer()
  server.offer({ bytes: someBytes(300_000) })
  const { agent } = await quickAgent(server)
  const told: number[] = []
  agent.on('bytes', ({ bytes, totalBytes }) => {
    expect(totalBytes).toBe(300_000)
    told.push(bytes)
  })
  await agent.run({ once: true })
  expect(told.at(-1)).toBe(300_000)
  expect(told).toEqual(told.toSorted((a, b) => a - b))
})

test('what is fetched waits as long as the program around says, and goes on then', async () => {
  const server = await startServer()
  server.offer()
  let held = 3
  const rule = {
    oneAtATime: (_offer: unknown, work: () => Promise<Turn>) => work(),
    untilInstallMs: () => {
      expect(server.moves('UPDATING')).toBe(0)
      held -= 1
      return held >= 0 ? 60_000 : 0
    },
    done: () => ['wish-1'],
  }
  const { agent, clock, installed } = await quickAgent(server, { rule })
  agent.on('ended', () => agent.stop())
  await agent.run()
  expect(clock.waits.filter((ms) => ms === 60_000)).toHaveLength(3)
  expect(installed).toHaveLength(1)
  expect(server.checkIns[0]).toMatchObject({ done: ['wish-1'] })
})

test('a server that was willing to wait and answers early is asked again at once', async () => {
  const server = await startServer()
  server.isWilling = true
  const { agent, clock } = await quickAgent(server, { waitSeconds: 60 })
  server.on('check-in', () => {
    if (server.checkIns.length === 2) agent.stop()
  })
  await agent.run()
  expect(clock.waits.every((ms) => ms <= 1_500)).toBe(true)
})

test('one that is watched is answered at once after it was away, and lets itself be held from then on', async () => {
  const server = await startServer()
  server.isWilling = true
  server.faults.checkIn = [{ status: 503 }]
  const rule = {
    isWatched: true,
    oneAtATime: (_offer: unknown, work: () => Promise<Turn>) => work(),
    untilInstallMs: () => 0,
    done: () => [],
  }
  const { agent } = await quickAgent(server, { rule, waitSeconds: 60 })
  const waits: unknown[] = []
  server.on('check-in', ({ wait }) => {
    waits.push(wait)
    if (waits.length === 3) agent.stop()
  })
  await agent.run()
  expect(waits).toEqual([undefined, 'wait=60', 'wait=60'])
})
