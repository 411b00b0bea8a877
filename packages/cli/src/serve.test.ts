import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { serve } from './serve.ts'
import { temporaryFolder } from './testing/program.ts'

test('everything after serve is handed to the server', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'server.mjs')
  await writeFile(file, 'export const main = (argv) => { globalThis.servedWith = argv }')
  await serve(['--http-port', '0', '--help'], pathToFileURL(file).href)
  expect((globalThis as { servedWith?: unknown }).servedWith).toEqual([
    '--http-port',
    '0',
    '--help',
  ])
})

test('a server that is not installed is a refusal with a hint', async () => {
  await expect(serve([], '@updraft/not-there')).rejects.toMatchObject({
    code: 'server.not-installed',
    hint: expect.stringContaining('installation'),
  })
})
