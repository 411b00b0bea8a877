/** What devices are known by. */
import type { CertificateFacts, CredentialKind, MqttNames } from '@updraft/core'
import type { Claim } from './secrets.ts'

export interface NewCredential extends Claim, MqttNames {
  readonly id: string
  readonly certificate: CertificateFacts | null
  readonly createdAt: Date
}

export interface CredentialView extends MqttNames {
  readonly id: string
  readonly kind: CredentialKind
  readonly hasPassword: boolean
  readonly certificate: CertificateFacts | null
  readonly createdAt: Date
  /** When the device first came with it. */
  readonly firstUsedAt: Date | null
  /** From then on nobody is known by it; null: until it is taken back. */
  readonly expiresAt: Date | null
}

export interface Credentials {
  /** Refuses with device.unknown or credential.taken. */
  insert(deviceId: string, credentials: readonly NewCredential[]): Promise<void>
  /**
   * Those that are not over, oldest first. `lock`: nobody else changes them before this transaction is over. Refuses
   * with device.unknown.
   */
  ofDevice(deviceId: string, now: Date, options?: { lock: boolean }): Promise<CredentialView[]>
  /** They are over at that time, unless they are before. */
  end(deviceId: string, ids: readonly string[], at: Date): Promise<void>
  /** Whether the device has the token that is looked up by that, and it is not over. */
  hasToken(deviceId: string, lookupHash: Buffer, now: Date): Promise<boolean>
  /** The token that is looked up by that, if the device has it. */
  removeToken(deviceId: string, lookupHash: Buffer): Promise<void>
  /** Answers how many there were. */
  remove(deviceId: string, ids: readonly string[]): Promise<number>
}

/** Finds credentials whose time is over, whoever's they are. */
export interface CredentialSweep {
  over(now: Date, limit: number): Promise<readonly OverCredential[]>
}

export interface OverCredential {
  readonly tenantId: string
  readonly deviceId: string
  readonly credential: CredentialView
}
