import { expect, test } from 'vitest'
import { start } from '../testing/start.ts'

test('enrolment is enabled, shown and disabled', async () => {
  const { updraft, json, server } = await start()
  const provisioning = (...words: string[]) => updraft('profile', 'provisioning', ...words)
  expect((await provisioning('show', 'Sensor')).stdout).toBe('Devices may not enrol themselves.\n')
  expect(await json('profile', 'provisioning', 'show', 'Sensor')).toBeNull()
  expect((await provisioning('enable', 'Sensor')).stdout).toBe(
    'Devices that are not known may enrol themselves.\nKey     made-up-key\nSecret  made-up-secret\nThe secret is not shown again.\n',
  )
  const words = ['--strategy', 'check-pre-provisioned', '--key', 'k', '--secret', 's']
  expect(await json('profile', 'provisioning', 'enable', 'Sensor', ...words)).toEqual({
    strategy: 'check-pre-provisioned',
    claimsAtOnce: false,
    key: 'k',
    secret: 's',
  })
  expect((await provisioning('show', 'Sensor')).stdout).toBe(
    'Devices that were added may enrol themselves, once each.\nKey  k\n',
  )
  expect((await updraft('profile', 'show', 'Sensor')).stdout).toContain('once each')
  expect((await provisioning('disable', 'Sensor')).code).toBe(0)
  expect(server.world.profiles[0]?.provisioning).toBeNull()
})

test('there are two strategies', async () => {
  const { updraft } = await start()
  const words = ['profile', 'provisioning', 'enable', 'Sensor', '--strategy', 'any']
  const { code, stderr } = await updraft(...words)
  expect(code).toBe(2)
  expect(stderr).toContain('create-new, check-pre-provisioned')
})
