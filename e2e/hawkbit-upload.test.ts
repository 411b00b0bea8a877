/** A large artifact by hawkBit's management API. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { curl } from './curl.ts'
import { management } from './hawkbit-management.ts'
import { ADMIN_TOKEN } from './platform.ts'
import { serverProcess } from './server-process.ts'

const SIZE = 200_000_000

test('an artifact of 200 MB passes through, and is never held', { timeout: 180_000 }, async () => {
  const server = await serverProcess()
  try {
    const file = join(server.dataFolder, 'large.raucb')
    await writeFile(file, randomBytes(SIZE))
    const { json } = await management(server)('POST', 'softwaremodules', [
      { name: 'large', version: '1', type: 'os' },
    ])
    const before = await server.memory()
    const { body } = await curl(
      `${server.url}/rest/v1/softwaremodules/${json[0].id}/artifacts`,
      '--user',
      `admin:${ADMIN_TOKEN}`,
      '--form',
      `file=@${file}`,
    )
    expect(JSON.parse(body)).toMatchObject({ providedFilename: 'large.raucb', size: SIZE })
    const after = await server.memory()
    // Who held it would hold all of it.
    expect(after.highestBytes - before.nowBytes).toBeLessThan(120_000_000)
  } finally {
    await server.remove()
  }
})
