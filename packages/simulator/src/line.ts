/** A device's way to its server, which can be cut: the agent's own uplink behind a switch. */
import { Away, type Fetched, type Offer, type OutgoingReport, type Uplink } from '@updraft/agent'

export interface LineEvents {
  /** The server does not accept the device's token. */
  onRefused(): void
  /** So many of the file's bytes are here; called before they are handed on. */
  onBytes(offer: Offer, bytes: number): void
  /** How an update ended is about to be told, or was heard by the server: called before that is known here. */
  onEnd(when: 'to be told' | 'heard'): void
}

/** The uplink, as long as nothing cuts it; `whyCut` says what does, or null. */
export function switched(uplink: Uplink, whyCut: () => string | null, events: LineEvents): Uplink {
  const check = (): void => {
    const why = whyCut()
    if (why !== null) throw new Away(why, { kind: 'network' })
  }
  async function* counted(offer: Offer, { from, pieces }: Fetched): AsyncGenerator<Buffer> {
    let bytes = from
    for await (const piece of pieces) {
      bytes += piece.length
      events.onBytes(offer, bytes)
      check()
      yield piece
    }
  }
  return {
    name: uplink.name,
    async checkIn(about) {
      check()
      try {
        return await uplink.checkIn(about)
      } catch (error) {
        if (error instanceof Away && error.kind === 'unauthorised') events.onRefused()
        throw error
      }
    },
    async report(offer, report, signal) {
      const isEnd = endsIt(report)
      if (isEnd) events.onEnd('to be told')
      check()
      const heard = await uplink.report(offer, report, signal)
      if (isEnd) events.onEnd('heard')
      check()
      return heard
    },
    async fetch(offer, from, limits) {
      check()
      const fetched = await uplink.fetch(offer, from, limits)
      return { ...fetched, pieces: counted(offer, fetched) }
    },
    takenBack: uplink.takenBack,
    untilInstallMs: uplink.untilInstallMs,
    async restarting(offer, signal) {
      check()
      await uplink.restarting?.(offer, signal)
    },
    news: uplink.news,
    hangUp: uplink.hangUp,
  }
}

const endsIt = ({ state }: OutgoingReport): boolean => state === 'UPDATED' || state === 'FAILED'
