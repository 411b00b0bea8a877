/**
 * The line a box holds open from 17.0 on: it says its channel, and is told to restart when an operator asks for it. There
 * is no message for an update; a box that restarts fetches its handlers.
 */
import { begunWith, DomainError, HANDLERS } from '@updraft/core'
import { frameText, PATHS, readSubscription, restartMessage } from '@updraft/wire/odoo-iot'
import type { FastifyBaseLogger } from 'fastify'
import type { KnownBox } from '../../app/device-desk.ts'
import type { Watching } from '../../app/live-sessions.ts'
import type { WebsocketLine, WebsocketScope } from '../../transports/websocket.ts'
import type { DialectNeeds } from '../dialect.ts'
import { NAME } from './handlers.ts'

/** A box names one or two. */
const MAX_CHANNELS = 4

export interface LineNeeds extends Pick<DialectNeeds, 'desk' | 'liveSessions'> {
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>
}

export const boxLines = (needs: LineNeeds): WebsocketScope => ({
  path: PATHS.websocket,
  open: (line) => boxLine(needs, line),
})

function boxLine({ desk, liveSessions, log }: LineNeeds, line: WebsocketLine): void {
  let watching: Watching | undefined
  let isOpen = true
  let lastId = 0
  /** When it was last asked to restart, of what was told or was before it came. */
  let askedAt: number | null = null
  /** One after the other: what is heard, and what is to be looked at. */
  let before: Promise<void> = Promise.resolve()

  const inTurn = (work: () => Promise<void>) => {
    before = before.then(work).catch((error) => {
      if (error instanceof DomainError) log.warn({ err: error }, error.message)
      else log.error({ err: error }, 'a bug')
    })
  }

  const boxOn = async (channels: readonly string[]): Promise<KnownBox | null> => {
    for (const channel of channels.slice(0, MAX_CHANNELS)) {
      const known = await desk.boxOn(channel, NAME)
      if (known) return known
    }
    return null
  }

  const subscribe = async ({ channels, last }: { channels: readonly string[]; last: number }) => {
    const since = liveSessions.mark()
    const known = await boxOn(channels)
    if (!known || !isOpen) return
    const { box, device } = known
    lastId = Math.max(lastId, last)
    askedAt = box.restartAskedAt?.getTime() ?? null
    watching?.end()
    const { id, profileId } = device.device
    watching = liveSessions.watch({ id, profileId }, since, () => inTurn(() => look(box.channel)))
    // It opens its line when its handlers have begun.
    const begun = begunWith(device)
    if (begun) {
      const facts = { installed: { [HANDLERS]: begun } }
      await desk.checkIn(device, facts, { tells: [], isTacit: true })
    }
    log.info({ device: device.device.name }, 'on the line')
  }

  const look = async (channel: string) => {
    const known = isOpen ? await desk.boxOn(channel, NAME) : null
    const { restartAskedAt, names } = known?.box ?? { restartAskedAt: null, names: [] }
    if (!restartAskedAt || !isOpen || restartAskedAt.getTime() === askedAt) return
    askedAt = restartAskedAt.getTime()
    lastId += 1
    line.send(frameText([restartMessage(lastId, names)]))
  }

  line.onText((text) => {
    const said = readSubscription(text)
    if (said) inTurn(() => subscribe(said))
  })
  line.onClose(() => {
    isOpen = false
    watching?.end()
  })
}
