import { expect, test } from 'vitest'
import { rauc } from './rauc.ts'
import { type Exchange, recorded } from './recorded.test-helper.ts'

/** As RAUC 1.8 prints it. */
const status = (booted: string, primary: string | null): Exchange => [
  'rauc status --output-format=json',
  JSON.stringify({
    compatible: 'box',
    variant: '',
    booted,
    boot_primary: primary,
    slots: [
      slot('rootfs.1', 'B', booted === 'B' ? 'booted' : 'inactive'),
      slot('rootfs.0', 'A', booted === 'A' ? 'booted' : 'inactive'),
      slot('data.0', null, 'inactive'),
    ],
  }),
]

const slot = (name: string, bootname: string | null, state: string) => ({
  [name]: {
    class: name.split('.')[0],
    device: `/dev/disk/by-partlabel/${name}`,
    type: 'raw',
    bootname,
    state,
    parent: null,
    mountpoint: null,
    boot_status: 'good',
  },
})

const INSTALLED = `installing
  0% Installing
 20% Verifying signature done.
 90% Copying image to rootfs.1
100% Installing done.
Installing \`/data/downloads/x.part\` succeeded
`
/** What it prints when the bundle is made for something else. */
const REFUSED = `installing
  0% Installing
 40% Checking manifest contents failed.
100% Installing failed.
LastError: Failed mounting bundle: Compatible mismatch: Expected 'box' but bundle manifest has 'till'
Installing \`/data/downloads/x.part\` failed
`

async function system(...exchanges: Exchange[]) {
  const { run, expectOver } = recorded(status('A', 'rootfs.0'), ...exchanges)
  return { adapter: await rauc(run, async () => true), expectOver }
}

test('the slots are those that can be started', async () => {
  const { adapter } = await system()
  expect([...adapter.slots].sort()).toEqual(['A', 'B'])
  expect(adapter.fallsBack).toBe(true)
})

test.each([
  ['as it was flashed', 'A', 'rootfs.0', { running: 'A', standing: 'A', armed: null }],
  ['installed, to be restarted', 'A', 'rootfs.1', { running: 'A', standing: 'B', armed: 'B' }],
  ['in the new one', 'B', 'rootfs.1', { running: 'B', standing: 'B', armed: null }],
  ['it cannot tell the first', 'A', null, { running: 'A', standing: 'A', armed: null }],
])('%s: whether it is a trial RAUC does not tell', async (_, booted, primary, state) => {
  const { adapter, expectOver } = await system(status(booted, primary))
  expect(await adapter.active()).toEqual({ ...state, isTrial: null })
  expectOver()
})

test('an install: percent by percent, and it has asked for the start itself', async () => {
  const { adapter, expectOver } = await system(
    ['rauc install /data/downloads/x.part', INSTALLED],
    status('A', 'rootfs.1'),
  )
  const percents: number[] = []
  if (adapter.place.kind !== 'delegate') throw new Error(adapter.place.kind)
  await adapter.place.install('/data/downloads/x.part', {
    slot: 'B',
    onPercent: (percent) => percents.push(percent),
    signal: new AbortController().signal,
  })
  expect(percents).toEqual([0, 20, 90, 100])
  await adapter.setTrial('B', 1)
  expectOver()
})

test('where it was told not to activate what it installs, it is asked to', async () => {
  const { adapter, expectOver } = await system(status('A', 'rootfs.0'), status('A', 'rootfs.0'), [
    'rauc status mark-active rootfs.1',
    'rauc status: activated slot rootfs.1\n',
  ])
  await adapter.setTrial('B', 1)
  expectOver()
})

test('a bundle it refuses fails in its words', async () => {
  const { adapter } = await system(['rauc install /x', { code: 1, stdout: REFUSED }])
  if (adapter.place.kind !== 'delegate') throw new Error(adapter.place.kind)
  const how = { slot: 'B', onPercent: () => {}, signal: new AbortController().signal }
  await expect(adapter.place.install('/x', how)).rejects.toThrow(
    "RAUC refused it: Failed mounting bundle: Compatible mismatch: Expected 'box' but bundle manifest has 'till'",
  )
})

test('confirm, revert, mark bad', async () => {
  const { adapter, expectOver } = await system(
    status('B', 'rootfs.1'),
    ['rauc status mark-good booted', 'rauc status: marked slot rootfs.1 as good\n'],
    status('B', 'rootfs.1'),
    status('B', 'rootfs.1'),
    ['rauc status mark-active rootfs.0', 'rauc status: activated slot rootfs.0\n'],
    ['rauc status mark-bad booted', 'rauc status: marked slot rootfs.1 as bad\n'],
    status('A', 'rootfs.0'),
    ['rauc status mark-bad rootfs.1', 'rauc status: marked slot rootfs.1 as bad\n'],
    ['rauc status mark-good booted', 'rauc status: marked slot rootfs.0 as good\n'],
  )
  await adapter.confirm()
  await adapter.revert()
  await adapter.markBad('B')
  await adapter.markGood?.()
  expectOver()
})

test('without its service', async () => {
  const { run } = recorded([
    'rauc status --output-format=json',
    { code: 1, stderr: 'Error creating proxy: Could not connect: No such file or directory\n' },
  ])
  await expect(rauc(run, async () => true)).rejects.toThrow(
    'rauc ended with 1: Error creating proxy',
  )
})
