/** Pairings: what a device is to Astarte, beside what it is here. */

export type PairingStatus = 'pending' | 'confirmed' | 'inhibited'

/** Interface by interface, the version the device says it speaks. */
export type Introspection = Readonly<
  Record<string, { readonly major: number; readonly minor: number }>
>

export interface Pairing {
  readonly tenantId: string
  /** Ours. */
  readonly deviceId: string
  /** Astarte's, 22 characters. */
  readonly astarteId: string
  readonly status: PairingStatus
  /** Of its credentials secret; null while it has none. */
  readonly secretHash: Buffer | null
  /** Of the device: where it is served from. */
  readonly cloudId: string | null
  readonly createdAt: Date
  /** The certificate it was given last, which may have been taken back since; null before the first. */
  readonly credentialId: string | null
  readonly introspection: Introspection
  /** What it says it can do besides, such as how it packs what it has. */
  readonly capabilities: Readonly<Record<string, string>>
  readonly isConnected: boolean
  readonly connectedAt: Date | null
  readonly disconnectedAt: Date | null
  readonly lastAddress: string | null
  /** It moves to the profile of its system model when it tells its part number. */
  readonly awaitsModel: boolean
}

export interface NewPairing {
  readonly deviceId: string
  readonly astarteId: string
  /** Null for a device that is served by an Astarte elsewhere. */
  readonly secretHash: Buffer | null
  readonly introspection?: Introspection
  readonly awaitsModel?: boolean
  readonly createdAt: Date
}

/** Of one tenant. */
export interface Pairings {
  /** Refuses with device.unknown, or pairing.duplicate when the device or the id has one. */
  insert(pairing: NewPairing): Promise<void>
  /** `lock`: nobody else changes it before this transaction is over. */
  find(
    by: { readonly deviceId: string } | { readonly astarteId: string },
    options?: { lock: boolean },
  ): Promise<Pairing | null>
  /** Those of these devices; what is not paired is left out. */
  several(deviceIds: readonly string[]): Promise<readonly Pairing[]>
  /** Holds back whoever else is about to pair a device under that id, until this transaction is over. */
  reserve(astarteId: string): Promise<void>
  /** It has that secret from now on; null for none, and then it may register again. */
  setSecret(deviceId: string, secretHash: Buffer | null): Promise<void>
  /** Its certificate from now on; the time counts as that of its request where there was none before. */
  setCredential(deviceId: string, credentialId: string, at: Date): Promise<void>
  /** It may register again, and what it had counts no more. */
  reset(deviceId: string): Promise<void>
  inhibit(deviceId: string, isInhibited: boolean): Promise<void>
  /** It follows its system model no more. */
  settled(deviceId: string): Promise<void>
  setIntrospection(deviceId: string, introspection: Introspection): Promise<void>
  /** Operations it was asked for that were cancelled since, without its last word. */
  cancelling(deviceId: string): Promise<readonly string[]>
}

/** Pairings as devices meet them, on single statements. */
export interface PairingsAtWork {
  /** By Astarte's id within a tenant. Null when there is none. */
  find(tenantId: string, astarteId: string): Promise<Pairing | null>
  /** Null when that device of ours is none of Astarte's. */
  ofDevice(deviceId: string): Promise<Pairing | null>
  /** In place of what it said before. */
  setIntrospection(deviceId: string, introspection: Introspection): Promise<void>
  setCapabilities(deviceId: string, capabilities: Readonly<Record<string, string>>): Promise<void>
  /**
   * The device's MQTT session is with that run of a server from now on. Answers the generation, and who held the session
   * before: a kept one may be resumed only where `before` names the same holder, was not clean and is of the generation
   * that holder remembers. Null when there is no pairing any more.
   */
  connected(
    deviceId: string,
    session: {
      readonly holder: string
      readonly isClean: boolean
      readonly at: Date
      readonly address: string | null
    },
  ): Promise<{ readonly generation: number; readonly before: HeldSession | null } | null>
  /** Nothing happens when a newer connection has taken the session over. */
  disconnected(deviceId: string, session: { generation: number; at: Date }): Promise<void>
  /** Whether the line is up, where another holds it: an Astarte elsewhere. */
  setConnected(
    deviceId: string,
    is: { readonly isConnected: boolean; readonly at: Date; readonly address?: string | null },
  ): Promise<void>
}

export interface HeldSession {
  readonly holder: string
  readonly generation: number
  readonly isClean: boolean
}
