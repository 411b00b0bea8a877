/** A program for tests: fetches the code once, until it is killed. */
import { gitUpstream } from './git-upstream.ts'

const { url, folder, bootId } = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>
await gitUpstream({ url, folder, bootId, environment: process.env } as never).bring(
  { branch: '17.0', paths: [], onProgress() {}, signal: new AbortController().signal },
  async ({ tree }) => {
    for (const file of tree.files) for await (const _ of tree.read(file));
  },
)
