/** Files over CoAP: whole, or in chunks whose size the device chooses [CoAP]. */
import type { Device, Release } from '@updraft/core'
import { MAX_BLOCK_BYTES } from '@updraft/wire/coap-message'
import { FAMILIES, type Family } from '@updraft/wire/thingsboard'
import type { DeviceDesk } from '../../app/device-desk.ts'
import { Reading, type Readings, readings } from '../../transports/coap-blocks.ts'
import { type CoapClock, SYSTEM_CLOCK } from '../../transports/coap-clock.ts'
import type { CoapResponse } from '../../transports/coap-request.ts'
import { NAME } from './hear.ts'

export interface Wanted {
  readonly from: string
  readonly token: string
  readonly family: Family
  readonly title: string | undefined
  readonly version: string | undefined
  /** 0: the whole file, whatever the chunk. */
  readonly chunkBytes: number
  readonly index: number
}

export interface CoapDownloads {
  /** Refuses as the desk does. Past the end the answer is empty, by which clients know it. */
  open(wanted: Wanted): Promise<CoapResponse>
  close(): void
}

/** Called for every download, and again and again while it goes on. */
export type OnFetch = (device: Pick<Device, 'id'>, family: Family, release: Release) => void

const ETAG_BYTES = 8

/**
 * A small chunk is one datagram, and a file thousands of them. So the file stays open from one chunk to the next, and
 * stays the same one when another is assigned meanwhile; the first chunk is always asked for at the desk.
 */
export function coapDownloads(
  desk: Pick<DeviceDesk, 'identify' | 'openArtifact'>,
  { onFetch, clock = SYSTEM_CLOCK }: { onFetch: OnFetch; clock?: CoapClock },
): CoapDownloads {
  const underWay: Readings = readings(clock)

  const openFile = async ({ token, family, title, version }: Wanted) => {
    const device = await desk.identify(token, NAME)
    const wanted = { type: FAMILIES[family], title, version }
    const { handle, release } = await desk.openArtifact(device, wanted)
    onFetch(device.device, family, release)
    return { handle, etag: Buffer.from(handle.sha256, 'hex').subarray(0, ETAG_BYTES) }
  }

  const smallChunk = async (wanted: Wanted): Promise<CoapResponse> => {
    const { from, token, family, title, version, chunkBytes, index } = wanted
    const key = JSON.stringify([from, token, family, title, version])
    let reading = index === 0 ? undefined : underWay.held(key)
    if (!reading) {
      const { handle, etag } = await openFile(wanted)
      const about = { code: '2.05', contentFormat: undefined, etag } as const
      reading = new Reading({ ...about, openedAt: clock.now() }, handle)
      underWay.hold(key, reading)
    }
    const { start, end } = chunkOf(reading.sizeBytes, chunkBytes, index)
    // Without an ETag: the buffers of those who ask like this are no larger than they must be.
    return { code: '2.05', body: await reading.read(start, end) }
  }

  return {
    open: async (wanted) => {
      const { chunkBytes, index } = wanted
      if (chunkBytes > 0 && chunkBytes <= MAX_BLOCK_BYTES) return smallChunk(wanted)
      const { handle, etag } = await openFile(wanted)
      if (chunkBytes === 0) return { code: '2.05', body: handle, etag }
      const { start, end } = chunkOf(handle.sizeBytes, chunkBytes, index)
      const body = {
        sizeBytes: end - start,
        read: (from: number, to: number) => handle.read(start + from, start + to),
        release: () => handle.release(),
      }
      return { code: '2.05', body, etag }
    },
    close: () => underWay.close(),
  }
}

function chunkOf(sizeBytes: number, chunkBytes: number, index: number) {
  const start = Math.min(index * chunkBytes, sizeBytes)
  return { start, end: Math.min(start + chunkBytes, sizeBytes) }
}
