/** The whole of it: a repository that is committed to, git, the service as a process, and a page that it serves. */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../test-bench.test-helper.ts'
import { codeOnDisk } from './code-life.test-helper.ts'
import { GitServer, Repository } from './git-server.test-helper.ts'

const NEVER = new AbortController().signal

test('the service follows the branch, goes back from what does not answer, and is never two', async () => {
  const port = await freePort()
  const repository = await Repository.make()
  const server = await GitServer.start(repository)
  await repository.commit(serviceAt(port, 'one'))
  const folder = join(await temporaryFolder(), 'code')
  const layer = codeOnDisk(folder, server.url)
  onTestFinished(() => layer.end())
  await layer.wakeUp(NEVER)
  const update = () => layer.update({ series: '17.0', isAsked: true, signal: NEVER })
  expect(await update()).toEqual({ kind: 'updated', because: null })
  expect(await page(port)).toBe(`one ${layer.status().active?.id}`)

  await repository.commit(serviceAt(port, 'two'))
  expect((await update()).kind).toBe('updated')
  expect(await page(port)).toBe(`two ${layer.status().active?.id}`)

  // It starts, and says that it is another.
  await repository.commit({ 'main.js': serverThat(port, `'three'`) })
  expect(await update()).toEqual({
    kind: 'rolled-back',
    because: 'the page: it answers something else',
  })
  expect(await page(port)).toBe(`two ${layer.status().active?.id}`)

  // It does not even start.
  await repository.commit({ 'main.js': 'throw new Error(`no such module`)' })
  expect((await update()).because).toBe('it ended by itself: exit code 1')
  expect(await page(port)).toMatch(/^two /)

  expect((await layer.rollBack(NEVER)).kind).toBe('rolled-back')
  expect(await page(port)).toMatch(/^one /)
})

const serviceAt = (port: number, name: string) => ({
  'main.js': serverThat(port, `'${name} ' + process.env.UPDRAFT_RELEASE`),
  'updraft-box.json': JSON.stringify({
    service: ['node', 'main.js'],
    health: { upSeconds: 1, withinSeconds: 6, url: `http://127.0.0.1:${port}/` },
  }),
})

const serverThat = (port: number, answers: string): string =>
  `require('node:http').createServer((_, answer) => answer.end(${answers})).listen(${port}, '127.0.0.1')`

const page = async (port: number): Promise<string> => {
  let text = ''
  await expect
    .poll(async () => {
      text = await fetch(`http://127.0.0.1:${port}/`).then(
        (answer) => answer.text(),
        () => '',
      )
      return text
    })
    .not.toBe('')
  return text
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
