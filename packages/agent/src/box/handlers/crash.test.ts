/** The agent is killed, and its handlers do not stay behind: the next life would find their hardware taken. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../test-bench.test-helper.ts'
import { archiveOf } from './archive.test-helper.ts'
import { isThere } from './is-there.test-helper.ts'

const CHILD = fileURLToPath(new URL('layer-child.test-helper.ts', import.meta.url))

test('handlers end with the agent when it is killed, whatever they are doing', async () => {
  const folder = await temporaryFolder()
  const note = (name: string) => join(folder, `${name}.pid`)
  const handlers = {
    // Says what it is, and never lets go again.
    'drivers/busy.mjs': `import { writeFileSync } from 'node:fs'
      writeFileSync(${JSON.stringify(note('busy'))}, String(process.pid))
      export const start = () => { for (;;); }`,
    'drivers/busy.py': `import os
open(${JSON.stringify(note('python'))}, "w").write(str(os.getpid()))
def start(box):
    while True: pass
`,
    'drivers/deaf': `#!/bin/sh
trap '' TERM HUP INT
echo $$ > ${note('deaf')}
sleep 1000 & echo $! > ${note('child')}
echo '{"says":"loaded"}'
while :; do sleep 1; done
`,
  }
  const file = join(folder, 'handlers.zip')
  await writeFile(file, archiveOf(handlers))
  const child = spawn(process.execPath, [CHILD, JSON.stringify({ folder, file })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const told = JSON.parse(await firstLine(child))
  expect(told.result).toEqual({ kind: 'done' })
  expect(told.details.handlers.map(({ state }: { state: string }) => state)).toEqual([
    'running',
    'running',
    'running',
  ])
  const pids = await Promise.all(
    ['busy', 'python', 'deaf', 'child'].map(async (name) =>
      Number(await readFile(note(name), 'utf8')),
    ),
  )
  onTestFinished(() => {
    for (const pid of pids.filter(isThere)) process.kill(pid, 'SIGKILL')
  })
  expect(pids.map(isThere)).toEqual([true, true, true, true])
  child.kill('SIGKILL')
  await once(child, 'exit')
  await expect.poll(() => pids.filter(isThere)).toEqual([])
})

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream }))
    return line
  throw new Error('it said nothing')
}
