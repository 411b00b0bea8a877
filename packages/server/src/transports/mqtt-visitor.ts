/** What stands between an MQTT connection and whoever listens to it: who asks, who is let in, what they say. */

import type { MqttVersion, Reason } from './mqtt-frames.ts'

/** How often a message may arrive: at most once, at least once, once. */
export type MqttQuality = 0 | 1 | 2

/** Who asks to be let in. */
export interface MqttHello {
  readonly version: MqttVersion
  readonly clientId: string
  readonly username: string | undefined
  readonly password: Buffer | undefined
  /** It begins anew: what was kept of a session before is to be forgotten. */
  readonly isCleanSession: boolean
  /** The certificate the client showed, if it showed one; trusted when the listener's CA vouches for it. */
  readonly certificate: { readonly der: Buffer; readonly isTrusted: boolean } | null
  readonly address: string
  /** Ours, as the client reached it. */
  readonly localAddress: string
}

/** A no, as each version spells it: MQTT 5's reason code, and the return code (1 to 5) of those before. */
export interface MqttRefusal {
  readonly reason: number
  readonly returnCode: 1 | 2 | 3 | 4 | 5
}

export type MqttWelcome =
  | { readonly kind: 'accepted'; readonly visitor: MqttVisitor; readonly session?: MqttKeeping }
  | { readonly kind: 'refused'; readonly refusal: MqttRefusal }

/**
 * A session with a key is the only one of that key: another's connection is closed and heard to its end before this one
 * is welcomed. What it was granted and what is on its way, in both directions, is kept for a client that asks for that.
 */
export interface MqttKeeping {
  readonly key: string
  /** False: what is kept under the key is forgotten, whatever the client asks for. */
  readonly isResumable: boolean
}

export interface MqttMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: MqttQuality
}

/** What became of a message: `reason` is a no that MQTT 5 clients read in the acknowledgement. */
export interface MqttTaken {
  readonly reason?: number
  /** What follows the acknowledgement, before the next packet is taken. */
  readonly afterwards?: () => Promise<unknown>
}

/** Whoever listens to one session. A verb that throws ends the session. */
export interface MqttVisitor {
  /**
   * The first that is heard, once the client was told that it is welcome: the filters of the session that goes on, or
   * null where a new one begins.
   */
  opened?(resumed: ReadonlyMap<string, MqttQuality> | null): Promise<void>
  published(message: MqttMessage): Promise<MqttTaken>
  /** For each filter the quality it is granted, or null to refuse it. */
  subscribed(
    filters: readonly { readonly filter: string; readonly qos: MqttQuality }[],
  ): Promise<readonly (MqttQuality | null)[]>
  /** For each filter whether it had been granted. */
  unsubscribed(filters: readonly string[]): Promise<readonly boolean[]>
  pinged?(): Promise<void>
  /** The last that is heard of it, also after a `close` from here. */
  closed(): void
}

/**
 * `too-large`: the client said it takes no packet of that size, or no packet can have it. `full`: so much is on its way
 * to a session with a key that no more is taken.
 */
export type MqttSent = 'sent' | 'too-large' | 'full' | 'closed'

export interface MqttSession {
  readonly version: MqttVersion
  readonly clientId: string
  readonly isOpen: boolean
  /**
   * Resolves when it has left for the network. Clients that acknowledge nothing get the rest with a quality of 0; to a
   * session with a key it waits its turn instead, and counts as sent.
   */
  publish(topic: string, payload: string | Uint8Array, qos: MqttQuality): Promise<MqttSent>
  /**
   * One message that is never held as a whole; a piece may be overwritten when the next one is pulled. When the
   * pieces break off, so does the connection.
   */
  publishStream(message: {
    topic: string
    sizeBytes: number
    pieces: AsyncIterable<Uint8Array>
    qos: 0 | 1
  }): Promise<MqttSent>
  close(reason: Reason): void
  /** Nothing of it is kept beyond its connection, whatever the client asked for. */
  forget(): void
}

/** Null: not one of mine, ask the next. */
export type MqttGate = (hello: MqttHello, session: MqttSession) => Promise<MqttWelcome | null>

export interface MqttLimits {
  /** The longest packet that is taken in. */
  readonly maxPacketBytes: number
  /** How soon the CONNECT must have come. */
  readonly connectSeconds: number
  /** How long a client without a keep-alive of its own may be silent, and any may leave unread what it is sent. */
  readonly idleSeconds: number
}

export interface MqttLog {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}
