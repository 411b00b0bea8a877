/** Boxes: where those of a profile reach the server, what they go by, and the archives of handlers they are given. */
import type { BoxPlatform, BoxServer, WishKind } from '@updraft/core'

/** Of one tenant. */
export interface Boxes {
  /** Null where nothing is said of the profile. */
  server(profileId: string): Promise<BoxServer | null>
  /** Refuses with box.host-taken or profile.unknown. */
  setServer(profileId: string, server: BoxServer): Promise<void>
  /** Answers whether there was one. */
  removeServer(profileId: string): Promise<boolean>
  /** Notes that it is to restart. Refuses with box.none. */
  askRestart(deviceId: string, at: Date): Promise<void>
  /** What it was asked to do once and has not done; a customer's device only. */
  wishes(deviceId: string): Promise<readonly Wish[]>
  /** One of a kind is enough: another is not asked while it has not done that. Answers the one there is. */
  wish(deviceId: string, wish: Pick<Wish, 'id' | 'kind' | 'askedAt'>): Promise<Wish>
  /** It has done those of them that are its own; answers which. */
  done(deviceId: string, ids: readonly string[]): Promise<readonly Wish[]>
}

/** Something a box is to do once. */
export interface Wish {
  readonly id: string
  readonly kind: WishKind
  readonly askedAt: Date
  /** When it was last told; null before. */
  readonly toldAt: Date | null
}

export interface Box {
  readonly tenantId: string
  readonly deviceId: string
  /** The channel it is told of, by which it is known when it opens a line. */
  readonly channel: string
  /** Its identifiers: of old a MAC, since 18.3 a serial number besides. */
  readonly names: readonly string[]
  /** What it was given last. */
  readonly releaseId: string | null
  /** When an operator last asked for it to restart. */
  readonly restartAskedAt: Date | null
}

/** Before it is known whose tenant it is. */
export interface BoxesAtWork {
  /** What boxes that reach the server by that host are told; null when nobody said so. */
  serverAt(host: string): Promise<(BoxServer & { tenantId: string; profileId: string }) | null>
  /** The boxes that go by these names, of any tenant. */
  named(names: readonly string[]): Promise<readonly Box[]>
  onChannel(channel: string): Promise<Box | null>
  /** The device is a box that goes by these names, but for those by which another goes. Answers what it is then. */
  keep(
    device: { readonly tenantId: string; readonly deviceId: string },
    box: { readonly channel: string; readonly names: readonly string[] },
  ): Promise<Box>
  given(deviceId: string, releaseId: string): Promise<void>
  /**
   * The images kept here that are made for the profile whose boxes reach the server by that host, the newest last; null when
   * none has it. `orOnly`: where boxes of one profile only come here, it is that one.
   */
  imagesAt(host: string, options: { orOnly: boolean }): Promise<readonly BoxImage[] | null>
  /** What one of our own boxes is told besides its updates: the series of its profile, and what it is to do once. */
  around(device: {
    readonly deviceId: string
    readonly profileId: string
  }): Promise<{ readonly series: string | null; readonly wishes: readonly Wish[] }>
  /** It is told of those now. */
  told(ids: readonly string[], at: Date): Promise<void>
}

/** An image for boxes. */
export interface BoxImage {
  readonly version: string
  readonly sha256: string
  /** The profile is assigned it. */
  readonly isMeant: boolean
}

/** An archive of handlers as boxes of one system are given it. */
export interface Handlers {
  readonly bytes: Buffer
  /** Stands for just what is in it, whatever it was packed with. */
  readonly digest: string
}

export interface HandlerArchives {
  /** Refuses with handlers.invalid or artifact.unknown. */
  check(sha256: string): Promise<void>
  /** Made once and kept ready. Refuses as `check` does. */
  of(sha256: string, platform: BoxPlatform): Promise<Handlers>
}
