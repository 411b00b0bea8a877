/** Software modules and distribution sets, as hawkBit's management API has them, and what a tenant chose there. */
import type { ComponentType, Json } from '@updraft/core'

/** Numbers of rows are the clients' own: they page by how many they skip. */
export interface NumberedQuery {
  readonly offset: number
  readonly limit: number
  /** Exactly this name. */
  readonly name?: string
  readonly version?: string
}

export interface Numbered<T> {
  readonly items: readonly T[]
  readonly total: number
}

export interface NewModule {
  readonly profileId: string
  readonly type: ComponentType
  readonly name: string
  readonly version: string
  readonly vendor: string | null
  readonly description: string | null
  readonly createdAt: Date
  readonly createdBy: string
}

/** A release in the making; it is one once its file is there. */
export interface SoftwareModule extends NewModule {
  readonly id: number
  readonly releaseId: string | null
  readonly isRemoved: boolean
}

export interface SoftwareModules {
  /** Refuses with software-module.duplicate. */
  insert(module: NewModule): Promise<SoftwareModule>
  /** Refuses with software-module.unknown. `lock`: nobody else changes it before this unit of work is over. */
  get(id: number, options?: { lock: boolean }): Promise<SoftwareModule>
  page(query: NumberedQuery & { type?: ComponentType }): Promise<Numbered<SoftwareModule>>
  setRelease(id: number, releaseId: string | null): Promise<void>
  /** Sets it is part of still show it, marked. */
  remove(id: number, at: Date): Promise<void>
}

export interface NewDistributionSet {
  readonly type: string
  readonly name: string
  readonly version: string
  readonly description: string | null
  readonly createdAt: Date
  readonly createdBy: string
  readonly moduleIds: readonly number[]
}

export interface DistributionSet extends Omit<NewDistributionSet, 'moduleIds'> {
  readonly id: number
  readonly isRemoved: boolean
  readonly modules: readonly SoftwareModule[]
}

export interface SetAssignment {
  readonly set: DistributionSet
  readonly assignedAt: Date
  readonly assignedBy: string
}

export interface DistributionSets {
  /** Refuses with distribution-set.duplicate or software-module.unknown. */
  insert(set: NewDistributionSet): Promise<DistributionSet>
  /** Refuses with distribution-set.unknown. */
  get(id: number): Promise<DistributionSet>
  page(query: NumberedQuery & { type?: string }): Promise<Numbered<DistributionSet>>
  /** Devices that were assigned it still show it, marked. */
  remove(id: number, at: Date): Promise<void>
  /** Notes that the device was assigned it. */
  noteAssigned(
    id: number,
    to: { readonly deviceId: string; readonly at: Date; readonly by: string },
  ): Promise<void>
  /** What the device was assigned, the latest first. */
  assignedTo(deviceId: string, limit: number): Promise<readonly SetAssignment[]>
}

export interface HawkbitConfig {
  readonly key: string
  readonly value: Json
  readonly changedAt: Date
  readonly changedBy: string
}

export interface HawkbitConfigs {
  all(): Promise<readonly HawkbitConfig[]>
  put(config: HawkbitConfig): Promise<void>
  /** Answers whether there was one. */
  remove(key: string): Promise<boolean>
}

/** The numbers of a device's actions. */
export type TargetActionList = (
  deviceId: string,
  reach: { readonly offset: number; readonly limit: number; readonly isNewestFirst: boolean },
) => Promise<Numbered<number>>
