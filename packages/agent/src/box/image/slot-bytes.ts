/** Several files or devices as one stretch of bytes. */
import type { Disk } from '../../disk.ts'
import type { SlotBytes } from './boot-adapter.ts'

export interface Part {
  readonly path: string
  readonly bytes: number
}

export async function openSlotBytes(
  disk: Disk,
  parts: readonly Part[],
  afterSync: () => Promise<void> = async () => {},
): Promise<SlotBytes> {
  type Handle = Awaited<ReturnType<Disk['open']>>
  const open: { handle: Handle; from: number; to: number }[] = []
  let end = 0
  for (const { path, bytes } of parts) {
    open.push({ handle: await disk.open(path, 'r+'), from: end, to: end + bytes })
    end += bytes
  }

  /** Calls for each part that the stretch touches, with what of it lies there. */
  async function across(
    { position, length }: { position: number; length: number },
    use: (handle: Handle, offset: number, length: number, at: number) => Promise<number>,
  ): Promise<number> {
    let done = 0
    while (done < length) {
      const at = position + done
      const part = open.find(({ from, to }) => at >= from && at < to)
      if (!part) return done
      const moved = await use(
        part.handle,
        done,
        Math.min(length - done, part.to - at),
        at - part.from,
      )
      if (moved === 0) return done
      done += moved
    }
    return done
  }

  return {
    async write(bytes, position) {
      const stretch = { position, length: bytes.length }
      const written = await across(stretch, async (handle, offset, length, at) => {
        const { bytesWritten } = await handle.write(bytes, offset, length, at)
        return bytesWritten
      })
      if (written < bytes.length) throw new Error(`the slot ends at byte ${position + written}`)
    },
    read: (into, position) =>
      across({ position, length: into.length }, async (handle, offset, length, at) => {
        const { bytesRead } = await handle.read(into, offset, length, at)
        return bytesRead
      }),
    async sync() {
      for (const { handle } of open) await handle.sync()
      await afterSync()
    },
    async close() {
      for (const { handle } of open) await handle.close()
    },
  }
}
