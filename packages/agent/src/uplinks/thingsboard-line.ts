/** ThingsBoard's device API over one transport, as much of it as an update needs. */
import type { JsonObject } from '@updraft/core'
import type { Family } from '@updraft/wire/thingsboard'
import type { MqttVersion } from '../mqtt.ts'
import type { Clock, Random } from '../waits.ts'

/** Everything may throw Away but `news`; nothing else is foreseen. */
export interface ThingsBoardLine {
  /** Bytes in each chunk but the last. */
  readonly chunkBytes: number
  /** Resolves when the server has taken it. */
  post(what: 'telemetry' | 'attributes', values: JsonObject, signal: AbortSignal): Promise<void>
  /** What is meant for this device now. From here on the server's pushes are news. */
  sharedAttributes(signal: AbortSignal): Promise<JsonObject>
  /** Resolves when attributes change, or when the time is over. Whether it took its time. */
  awaitChange(seconds: number, signal: AbortSignal): Promise<boolean>
  /** Begins to fetch the release's file: what is answered fetches one chunk after the other, from any one on. */
  download(release: NamedRelease, limits: { stallMs: number; signal: AbortSignal }): FetchChunk
  /** As Uplink.news. */
  news?(signal: AbortSignal): Promise<void>
  /** As Uplink.hangUp. */
  hangUp?(): Promise<void>
}

export interface NamedRelease {
  readonly family: Family
  readonly title: string
  readonly version: string
}

/** The chunk as it comes, in one piece or several; past the end of the file there is none. */
export type FetchChunk = (index: number) => AsyncIterable<Buffer>

/** What every line needs to know. */
export interface LineOptions {
  readonly server: URL
  /** The device's access token. */
  readonly token: () => Promise<string>
  readonly chunkBytes: number
  readonly answerTimeoutMs: number
  readonly mqttVersion: MqttVersion
  readonly clock: Clock
  readonly random: Random
}
