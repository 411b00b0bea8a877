/** The parts of a device that are updated by themselves, and what they run. */

/**
 * What part of a device a release replaces. These five have a meaning of their own somewhere; a device may hold
 * any other name of the same form, but for the one name that every object knows: records are kept by type.
 */
export const KNOWN_COMPONENT_TYPES = ['firmware', 'software', 'image', 'handlers', 'code'] as const
export type ComponentType = string
export const COMPONENT_TYPE_PATTERN = /^(?!constructor$)[a-z][a-z0-9._-]{0,63}$/

/** A title and a version: what a device says it runs, and what names a release to a person. */
export interface Installed {
  readonly title: string | null
  readonly version: string | null
}

export const nameOf = (release: { title: string; version: string }): string =>
  `${release.title}@${release.version}`
