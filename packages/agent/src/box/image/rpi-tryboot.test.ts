import { describe, expect, test } from 'vitest'
import { diskWith, NO_PLACE, recorded } from './recorded.test-helper.ts'
import { parseAutoboot, rpiTryboot } from './rpi-tryboot.ts'

const AUTOBOOT = '/boot/firmware/autoboot.txt'
const TOLD = '/proc/device-tree/chosen/bootloader'
/** As the documentation of the firmware has it. */
const BEFORE = '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n'
const AFTER = '[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n'

const word = (value: number) => Buffer.from([0, 0, 0, value])

async function pi({ partition = 2, tryboot = 0, autoboot = BEFORE } = {}) {
  const memory = await diskWith({
    [AUTOBOOT]: autoboot,
    [`${TOLD}/partition`]: word(partition),
    [`${TOLD}/tryboot`]: word(tryboot),
  })
  const { run, expectOver } = recorded(['reboot 0 tryboot', ''])
  const adapter = rpiTryboot({
    folder: '/boot/firmware',
    slots: { a: 2, b: 3 },
    place: NO_PLACE,
    keeps: async () => true,
    disk: memory.disk,
    run,
  })
  return { adapter, memory, expectOver }
}

test.each([
  ['as it was flashed', {}, { running: 'a', standing: 'a', isTrial: false }],
  ['on trial', { partition: 3, tryboot: 1 }, { running: 'b', standing: 'a', isTrial: true }],
  [
    'on trial, and confirmed since',
    { partition: 3, tryboot: 1, autoboot: AFTER },
    { running: 'b', standing: 'b', isTrial: false },
  ],
  [
    'confirmed, and started anew',
    { partition: 3, autoboot: AFTER },
    { running: 'b', standing: 'b', isTrial: false },
  ],
  ['back after a trial that failed', {}, { running: 'a', standing: 'a', isTrial: false }],
])('%s', async (_, about, state) => {
  const { adapter } = await pi(about)
  expect(await adapter.active()).toEqual({ ...state, armed: null })
})

test('a trial leaves what stands, and is begun by a restart of its own', async () => {
  const { adapter, memory, expectOver } = await pi({
    autoboot: '# made by hand\n[all]\nboot_partition=2\n',
  })
  await adapter.setTrial('b', 1)
  expect(memory.text(AUTOBOOT)).toBe(BEFORE)
  await adapter.restart?.()
  expectOver()
})

test('to confirm swaps the two numbers, once', async () => {
  const { adapter, memory } = await pi({ partition: 3, tryboot: 1 })
  await adapter.confirm()
  expect(memory.text(AUTOBOOT)).toBe(AFTER)
  await adapter.confirm()
  expect(memory.text(AUTOBOOT)).toBe(AFTER)
})

test('to revert a trial changes nothing, and one that was confirmed is swapped back', async () => {
  const trial = await pi({ partition: 3, tryboot: 1 })
  await trial.adapter.revert()
  expect(trial.memory.text(AUTOBOOT)).toBe(BEFORE)
  const confirmed = await pi({ partition: 3, autoboot: AFTER })
  await confirmed.adapter.revert()
  expect(confirmed.memory.text(AUTOBOOT)).toBe(BEFORE)
})

test('what starts by itself is never marked bad', async () => {
  const { adapter } = await pi()
  await adapter.markBad('b')
  await expect(adapter.markBad('a')).rejects.toThrow('slot a is what starts here')
})

describe('what cannot be told is not guessed', () => {
  test('a partition that belongs to no slot', async () => {
    await expect((await pi({ partition: 1 })).adapter.active()).rejects.toThrow(
      'partition 1 is the start of no slot',
    )
  })
  test('a file without a partition', () => {
    expect(() => parseAutoboot('[tryboot]\nboot_partition=3\n')).toThrow('names no boot_partition')
  })
})

test('the file is read as the firmware does: other sections, blanks, Windows line ends', () => {
  const text =
    '[none]\r\nboot_partition=9\r\n[all]\r\n boot_partition = 2\r\n[tryboot]\r\nboot_partition=3\r\n'
  expect(parseAutoboot(text)).toEqual({ standing: 2, trial: 3 })
})

test('the file is one sector at most, and replaced by a rename', async () => {
  const { adapter, memory } = await pi()
  await adapter.setTrial('b', 1)
  expect(memory.bytes(AUTOBOOT).length).toBeLessThanOrEqual(512)
  expect(memory.text(`${AUTOBOOT}.tmp`)).toBeNull()
})
