import { expect, test } from 'vitest'
import { grubEnvironment } from './boot-environment.ts'
import { grub } from './grub.ts'
import { diskWith, NO_PLACE } from './recorded.test-helper.ts'
import type { Run } from './run.ts'

const PATH = '/boot/grub/grubenv'

const block = (variables: string): string =>
  `# GRUB Environment Block\n${variables}`.padEnd(1024, '#')

/** Where grub-editenv is not installed. */
const nothing: Run = async (command) => ({ code: 127, stdout: '', stderr: `no ${command}` })

async function machine(running: string | null, variables: string, run: Run = nothing) {
  const memory = await diskWith({ [PATH]: block(variables) })
  const adapter = grub({
    environment: grubEnvironment({ path: PATH, disk: memory.disk, run }),
    slots: ['a', 'b'],
    runningSlot: async () => running,
    keeps: async () => true,
    place: NO_PLACE,
  })
  return { adapter, memory, text: () => memory.text(PATH) }
}

test.each([
  ['as it was installed', 'a', 'saved_entry=a\n', { standing: 'a', isTrial: false, armed: null }],
  [
    'asked for a trial',
    'a',
    'saved_entry=a\nnext_entry=b\n',
    { standing: 'a', isTrial: false, armed: 'b' },
  ],
  ['on trial', 'b', 'saved_entry=a\nnext_entry=\n', { standing: 'a', isTrial: true, armed: null }],
  [
    'confirmed',
    'b',
    'saved_entry=b\nnext_entry=\n',
    { standing: 'b', isTrial: false, armed: null },
  ],
])('%s', async (_, running, variables, state) => {
  const { adapter } = await machine(running, variables)
  expect(await adapter.active()).toEqual({ running, ...state })
})

test('a trial is the next entry only; other variables and the size of the block stay', async () => {
  const { adapter, text } = await machine('a', 'saved_entry=a\ntimeout=5\n')
  await adapter.setTrial('b', 1)
  expect(text()).toBe(block('saved_entry=a\ntimeout=5\nnext_entry=b\n'))
  expect(text()?.length).toBe(1024)
})

test('confirm, revert and mark bad', async () => {
  const trial = await machine('b', 'saved_entry=a\nnext_entry=\n')
  await trial.adapter.confirm()
  expect(trial.text()).toBe(block('saved_entry=b\nnext_entry=\n'))
  await trial.adapter.revert()
  expect(trial.text()).toBe(block('saved_entry=a\nnext_entry=\n'))
  const armed = await machine('a', 'saved_entry=a\nnext_entry=b\n')
  await armed.adapter.markBad('b')
  expect(armed.text()).toBe(block('saved_entry=a\nnext_entry=\n'))
  await expect(armed.adapter.markBad('a')).rejects.toThrow('slot a is what starts here')
})

test('where grub-editenv is there it writes, and what it wrote is looked at', async () => {
  const asked: string[] = []
  const { adapter, text } = await machine('a', 'saved_entry=a\n', async (command, args) => {
    asked.push([command, ...args].join(' '))
    return { code: 0, stdout: '', stderr: '' }
  })
  await expect(adapter.setTrial('b', 1)).rejects.toThrow(`${PATH} cannot be changed`)
  expect(asked).toEqual([`grub-editenv ${PATH} set next_entry=b`])
  expect(text()).toBe(block('saved_entry=a\n'))
})

test('a file that is no block, a block that is full, a system that does not say where it started', async () => {
  const { adapter } = await machine(null, 'saved_entry=a\n')
  await expect(adapter.active()).rejects.toThrow('the command line of the kernel names no slot')
  const full = await machine('a', `saved_entry=a\nlong=${'x'.repeat(980)}\n`)
  await expect(full.adapter.setTrial('b', 1)).rejects.toThrow('has no room')
  const memory = await diskWith({ [PATH]: 'saved_entry=a\n' })
  const environment = grubEnvironment({ path: PATH, disk: memory.disk, run: nothing })
  await expect(environment.read(['saved_entry'])).rejects.toThrow('is no environment block of GRUB')
})
