import { expect, test } from 'vitest'
import { BOOT_DEFAULTS, type BootSettings, detectBootAdapter } from './detect.ts'
import { imageVersion, parseImageVersion } from './image-version.ts'
import { diskWith } from './recorded.test-helper.ts'
import type { Run } from './run.ts'
import { parseSlots, partitions, slotOfCommandLine } from './slots.ts'

const SLOTS = parseSlots('a=/dev/mmcblk0p2+/dev/mmcblk0p5,b=/dev/mmcblk0p3+/dev/mmcblk0p6')
const PARTUUID = '/dev/disk/by-partuuid/0a-06'
const TOLD = '/proc/device-tree/chosen/bootloader'
const GRUBENV = '# GRUB Environment Block\nsaved_entry=a\n'.padEnd(1024, '#')

/** A machine with those files and programs, whose root is the second slot's. */
async function machine(
  files: Record<string, string | Buffer> = {},
  programs: Record<string, string> = {},
) {
  const memory = await diskWith({ '/proc/cmdline': `quiet root=PARTUUID=0a-06 ro\n`, ...files })
  const run: Run = async (command) => {
    const stdout = programs[command]
    return { code: stdout === undefined ? 127 : 0, stdout: stdout ?? '', stderr: '' }
  }
  return {
    disk: memory.disk,
    run,
    realPath: async (path: string) => (path === PARTUUID ? '/dev/mmcblk0p6' : path),
    deviceOf: async (path: string) => {
      if (path.startsWith('/data/not-yet')) throw new Error('ENOENT')
      return path.startsWith('/data') ? 2 : 1
    },
  }
}

const found = async (
  at: Awaited<ReturnType<typeof machine>>,
  settings: Partial<BootSettings> = {},
) => {
  const all: BootSettings = { ...BOOT_DEFAULTS, folder: '/data/image', slots: SLOTS, ...settings }
  return (await detectBootAdapter(all, at, async () => {})).boot
}

test.each([
  [
    'rpi-tryboot',
    {
      '/boot/firmware/autoboot.txt': '[all]\ntryboot_a_b=1\nboot_partition=3\n',
      [`${TOLD}/partition`]: Buffer.from([0, 0, 0, 3]),
    },
    {},
  ],
  ['u-boot', {}, { fw_printenv: 'slot=b\n' }],
  ['grub', { '/boot/grub/grubenv': GRUBENV }, {}],
] as const)('%s is found by what lies on the machine', async (name, files, programs) => {
  const boot = await found(await machine(files, programs))
  if (!('active' in boot)) throw new Error(boot.because)
  expect(boot.name).toBe(name)
  expect((await boot.active()).running).toBe('b')
  expect([await boot.keeps('/data/not-yet/there'), await boot.keeps('/var/lib/box')]).toEqual([
    true,
    false,
  ])
})

test('RAUC is found first, SWUpdate only when it is asked for', async () => {
  const status = {
    booted: 'A',
    boot_primary: 's.0',
    slots: [{ 's.0': { bootname: 'A' } }, { 's.1': { bootname: 'B' } }],
  }
  const both = await machine({}, { rauc: JSON.stringify(status), fw_printenv: 'slot=b\n' })
  expect(await found(both)).toMatchObject({ name: 'rauc' })
  expect(await found(both, { boot: 'swupdate' })).toMatchObject({ name: 'swupdate' })
})

test('a machine without slots says why, and what instead', async () => {
  expect(await found(await machine())).toEqual({
    because: 'this machine has no two slots to install an image in and start it on trial',
    instead: 'write the image to its card or disk by another machine, and start it from there',
  })
  expect(await found(await machine(), { boot: 'u-boot' })).toMatchObject({
    because: 'its boot loader cannot be used (u-boot: fw_printenv ended with 127)',
  })
  expect(await found(await machine(), { boot: 'grub', slots: [] })).toMatchObject({
    because: expect.stringContaining('--boot-slots'),
  })
  expect(await found(await machine(), { boot: 'none' })).toMatchObject({
    because: expect.stringContaining('set to have no image'),
  })
})

test('the simulator only when it is asked for, and it starts anew with the machine', async () => {
  const at = await machine()
  let restarts = 0
  const settings = { ...BOOT_DEFAULTS, folder: '/data/image', boot: 'simulator' as const }
  const { boot, restart } = await detectBootAdapter(settings, at, async () => {
    restarts += 1
  })
  if (!('active' in boot)) throw new Error(boot.because)
  await boot.setTrial('b', 1)
  await restart()
  expect([(await boot.active()).running, restarts]).toEqual(['b', 1])
})

test.each([
  ['root=/dev/mmcblk0p5', 'a'],
  ['root=PARTUUID=0a-06', 'b'],
  ['root=/dev/mmcblk0p6 updraft.slot=a', 'a'],
  ['rauc.slot=b', 'b'],
  ['root=/dev/sda1', null],
  ['root=UUID=other', null],
  ['', null],
])('the command line "%s" was that of slot %s', async (line, slot) => {
  expect(await slotOfCommandLine(SLOTS, await machine({ '/proc/cmdline': `${line}\n` }))).toBe(slot)
})

test.each([
  ['a=/dev/x', 'two slots are needed'],
  ['a=/dev/x,a=/dev/y', 'two slots are needed'],
  ['a=x,b=/dev/y', '"a=x" is no slot'],
])('slots "%s" are refused: %s', (text, why) => {
  expect(() => parseSlots(text)).toThrow(why)
})

test('a slot of two partitions is one stretch, and what is carried over goes to the one with the system', async () => {
  const asked: string[] = []
  const at = await machine({
    '/dev/mmcblk0p3': Buffer.alloc(1024),
    '/dev/mmcblk0p6': Buffer.alloc(2048),
    '/sys/class/block/mmcblk0p3/size': '2\n',
    '/sys/class/block/mmcblk0p6/size': '4\n',
  })
  const run: Run = async (command, args) => {
    asked.push([command, ...args].join(' '))
    return { code: 0, stdout: '', stderr: '' }
  }
  const place = partitions(SLOTS, { ...at, run }, '/run/slot')
  expect(await place.capacity('b')).toBe(3072)
  const slot = await place.open('b')
  await slot.write(Buffer.from('x'.repeat(1000)), 500)
  await slot.sync()
  const read = Buffer.alloc(3072)
  expect(await slot.read(read, 0)).toBe(3072)
  expect(read.toString().replaceAll('\0', '')).toBe('x'.repeat(1000))
  expect((await at.disk.readFile('/dev/mmcblk0p6')).subarray(0, 476).toString()).toBe(
    'x'.repeat(476),
  )
  await expect(slot.write(Buffer.alloc(2), 3071)).rejects.toThrow('the slot ends at byte 3072')
  expect(asked.splice(0)).toEqual([
    'blockdev --flushbufs /dev/mmcblk0p3',
    'blockdev --flushbufs /dev/mmcblk0p6',
  ])
  await place.carryOver('b', ['/etc/box'])
  expect(asked).toEqual([
    'umount /run/slot',
    'mount /dev/mmcblk0p6 /run/slot',
    'test -e /etc/box',
    'cp -a --parents --remove-destination /etc/box /run/slot',
    'sync -f /run/slot',
    'umount /run/slot',
  ])
})

test.each([
  ['box@24.10\n', { title: 'box', version: '24.10' }],
  ['24.10', { title: null, version: '24.10' }],
  ['24.10\nmore of it\n', { title: null, version: '24.10' }],
  ['a@b@1\n', { title: 'a@b', version: '1' }],
  ['\n', null],
  ['box@\n', null],
])('the image says %j', (text, says) => {
  expect(parseImageVersion(text)).toEqual(says)
})

test('the first file that is there, ours before that of stock boxes', async () => {
  const stock = await machine({ '/var/odoo/iotbox_version': '24.10' })
  expect(await imageVersion(stock.disk)).toEqual({ title: null, version: '24.10' })
  const ours = await machine({ '/var/odoo/iotbox_version': '24.10', '/etc/updraft-image': 'x@1' })
  expect(await imageVersion(ours.disk)).toEqual({ title: 'x', version: '1' })
  expect(await imageVersion((await machine()).disk)).toBeNull()
})
