/** The boot loaders' own tools, as Debian has them, on files in place of devices. */

import * as promises from 'node:fs/promises'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  grubEnvironment,
  uBootEnvironment,
} from '../packages/agent/src/box/image/boot-environment.ts'
import { runProgram } from '../packages/agent/src/box/image/run.ts'
import { commandOf } from '../tools/services.mjs'

const [fwSetenv, grubEditenv] = [await commandOf('fw_setenv'), await commandOf('grub-editenv')]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'updraft-boot-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.skipIf(!fwSetenv)("U-Boot's environment, two copies of it, in one transaction", async () => {
  const copies = [join(folder, 'environment-0'), join(folder, 'environment-1')]
  for (const copy of copies) await writeFile(copy, Buffer.alloc(16_384))
  const config = join(folder, 'fw_env.config')
  await writeFile(config, copies.map((copy) => `${copy} 0x0 0x4000\n`).join(''))
  const initial = join(folder, 'initial')
  await writeFile(initial, 'slot=a\n')
  const environment = uBootEnvironment(runProgram, ['-c', config, '-f', initial])
  const names = ['slot', 'upgrade_available', 'bootcount', 'nothing']
  expect(await environment.read(names)).toEqual({ slot: 'a' })
  await environment.write({ slot: 'b', upgrade_available: '1', bootcount: '0' })
  expect(await environment.read(names)).toEqual({
    slot: 'b',
    upgrade_available: '1',
    bootcount: '0',
  })
  // One copy was written and the other is as it was: a cut in between leaves one that is whole.
  const [first, second] = await Promise.all(copies.map((copy) => readFile(copy)))
  expect(first?.equals(second as Buffer)).toBe(false)
  await environment.write({ slot: 'a', upgrade_available: '0' })
  expect(await environment.read(names)).toEqual({
    slot: 'a',
    upgrade_available: '0',
    bootcount: '0',
  })
})

test.skipIf(!grubEditenv)(
  "GRUB's block: ours and grub-editenv's are the same, byte by byte",
  async () => {
    const [theirs, ours] = [join(folder, 'grubenv'), join(folder, 'grubenv-ours')]
    for (const path of [theirs, ours]) await runProgram('grub-editenv', [path, 'create'])
    const none: typeof runProgram = async () => ({ code: 127, stdout: '', stderr: '' })
    const environments = [
      grubEnvironment({ path: theirs, disk: promises, run: runProgram }),
      grubEnvironment({ path: ours, disk: promises, run: none }),
    ]
    for (const environment of environments) {
      await environment.write({ saved_entry: 'a', next_entry: 'b' })
      expect(await environment.read(['saved_entry', 'next_entry'])).toEqual({
        saved_entry: 'a',
        next_entry: 'b',
      })
      await environment.write({ next_entry: '' })
    }
    const listed = await Promise.all(
      [theirs, ours].map((path) => runProgram('grub-editenv', [path, 'list'])),
    )
    expect(listed.map(({ stdout }) => stdout)).toEqual([
      'saved_entry=a\nnext_entry=\n',
      'saved_entry=a\nnext_entry=\n',
    ])
  },
)
