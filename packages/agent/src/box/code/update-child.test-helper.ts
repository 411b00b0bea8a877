/** A program for tests: one life of the layer of code, which updates until it is killed. */
import { codeOnDisk } from './code-life.test-helper.ts'

const { folder = '', url = '' } = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>
const signal = new AbortController().signal
const layer = codeOnDisk(folder, url)
await layer.wakeUp(signal)
process.stdout.write('awake\n')
await layer.update({ series: '17.0', isAsked: true, signal })
process.stdout.write('done\n')
// As the agent does: it stays, and its service with it.
setInterval(() => {}, 1_000)
