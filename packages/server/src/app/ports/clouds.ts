/** Clouds of a tenant, and the tokens by which their devices come in. */
import type { Cloud, CloudSettings } from '@updraft/core'
import type { Page, PageQuery } from './paging.ts'

export interface CloudName {
  readonly id: string
  readonly name: string
}

export interface CloudView extends Cloud {
  readonly deviceCount: number
}

export interface CloudToken {
  readonly id: string
  readonly createdAt: Date
}

export interface Clouds {
  /** Refuses with cloud.duplicate. */
  insert(cloud: Cloud): Promise<void>
  /** Refuses with cloud.unknown. */
  get(id: string): Promise<CloudView>
  /** Refuses with cloud.unknown. */
  byName(name: string): Promise<CloudView>
  page(query: PageQuery & { name?: string }): Promise<Page<CloudView>>
  /** Refuses with cloud.unknown or cloud.duplicate. */
  change(id: string, to: Partial<CloudSettings>): Promise<void>
  /** Its tokens go with it. Refuses with cloud.unknown or cloud.in-use. */
  remove(id: string): Promise<void>
  /** The newest first. */
  tokens(id: string): Promise<readonly CloudToken[]>
  /** Refuses with cloud.unknown. */
  insertToken(token: CloudToken & { cloudId: string; secretHash: Buffer }): Promise<void>
  /** Refuses with cloud.token-unknown. */
  removeToken(id: string, tokenId: string): Promise<void>
}

/** Clouds as devices meet them: looked up before it is known whose tenant it is. */
export interface CloudsAtWork {
  /** Null when nobody has that token. */
  ofToken(secretHash: Buffer): Promise<TenantsCloud | null>
  /** Null when there is none of that id any more. */
  byId(id: string): Promise<TenantsCloud | null>
  /** Whether a cloud of any tenant fetches from that store. */
  areServedFrom(artifactStore: string): Promise<boolean>
}

export interface TenantsCloud extends Cloud {
  readonly tenantId: string
}
