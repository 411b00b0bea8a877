// A tab of the dashboard under observation: what it paints, asks for, takes, and keeps.

import { fileURLToPath } from 'node:url'
import type { BrowserContext, CDPSession, Page } from 'playwright-core'

export interface Paint {
  readonly firstContentMs: number
  readonly largestContentMs: number
  /** How far what is there was pushed about; 0: not at all. */
  readonly layoutShift: number
  readonly longTaskMs: number
  readonly bytes: number
}

/** What a tab went through while it was watched. */
export interface Run {
  readonly requests: number
  /** The most requests within one second. */
  readonly mostRequestsInSecond: number
  readonly bytes: number
  /** Of them on the stream of events. */
  readonly eventBytes: number
  readonly longTasks: number
  readonly longestTaskMs: number
  /** 19 of 20 frames came sooner after the one before. */
  readonly frameP95Ms: number
  readonly frameLongestMs: number
}

export interface Kept {
  readonly heapMiB: number
  readonly nodes: number
  readonly listeners: number
}

export interface Tab {
  readonly page: Page
  paint(): Promise<Paint>
  /** Begins anew; the answer tells what came since. */
  watch(): Promise<() => Promise<Run>>
  /** After what nobody needs any more was thrown away. */
  kept(): Promise<Kept>
}

/** What observe.js gathers in the page. */
interface Seen {
  readonly first: number
  readonly largest: number
  readonly shift: number
  readonly tasks: number[]
  readonly frames: number[]
}

export async function openTab(
  context: BrowserContext,
  url: string,
  { slow = false }: { slow?: boolean } = {},
): Promise<Tab> {
  const page = await context.newPage()
  await page.addInitScript({ path: fileURLToPath(new URL('observe.js', import.meta.url)) })
  const line = await context.newCDPSession(page)
  await line.send('Network.enable')
  await line.send('Performance.enable')
  await line.send('HeapProfiler.enable')
  if (slow) await slowDown(line)
  const traffic = { requestsAtMs: [] as number[], bytes: 0, eventBytes: 0 }
  line.on('Network.requestWillBeSent', () => traffic.requestsAtMs.push(performance.now()))
  line.on('Network.loadingFinished', ({ encodedDataLength }) => {
    traffic.bytes += encodedDataLength
  })
  // The stream of events never finishes.
  line.on('Network.eventSourceMessageReceived', ({ data }) => {
    traffic.bytes += data.length
    traffic.eventBytes += data.length
  })
  await page.goto(url)
  return {
    page,
    paint: async () => {
      const seen = await page.evaluate<Seen>('seen')
      return {
        firstContentMs: seen.first,
        largestContentMs: seen.largest,
        layoutShift: seen.shift,
        longTaskMs: seen.tasks.reduce((sum, each) => sum + each, 0),
        bytes: traffic.bytes,
      }
    },
    watch: async () => {
      await page.evaluate('void Object.assign(seen, { tasks: [], frames: [] })')
      traffic.requestsAtMs = []
      traffic.bytes = 0
      traffic.eventBytes = 0
      return async () => {
        const now = await page.evaluate<Seen>('seen')
        const frames = now.frames.toSorted((a, b) => a - b)
        const inSeconds = Map.groupBy(traffic.requestsAtMs, (atMs) => Math.floor(atMs / 1000))
        return {
          requests: traffic.requestsAtMs.length,
          mostRequestsInSecond: Math.max(0, ...[...inSeconds.values()].map(({ length }) => length)),
          bytes: traffic.bytes,
          eventBytes: traffic.eventBytes,
          longTasks: now.tasks.length,
          longestTaskMs: Math.max(0, ...now.tasks),
          frameP95Ms: frames[Math.floor(frames.length * 0.95)] ?? Number.NaN,
          frameLongestMs: frames.at(-1) ?? Number.NaN,
        }
      }
    },
    kept: async () => {
      await line.send('HeapProfiler.collectGarbage')
      const { metrics } = await line.send('Performance.getMetrics')
      const of = (name: string) => metrics.find((each) => each.name === name)?.value ?? Number.NaN
      return {
        heapMiB: of('JSHeapUsedSize') / 2 ** 20,
        nodes: of('Nodes'),
        listeners: of('JSEventListeners'),
      }
    },
  }
}

/** A phone's line and a quarter of this machine's processor. */
async function slowDown(line: CDPSession): Promise<void> {
  await line.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 60,
    downloadThroughput: 9_000_000 / 8,
    uploadThroughput: 9_000_000 / 8,
  })
  await line.send('Emulation.setCPUThrottlingRate', { rate: 4 })
}
