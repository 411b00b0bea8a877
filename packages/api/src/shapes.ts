/**
 * What an operator sees: devices, releases, assignments … as they look from outside. Types, validation and the
 * OpenAPI description all come from this one text.
 */
export * from './shapes/assignments.ts'
export * from './shapes/campaigns.ts'
export * from './shapes/clouds.ts'
export * from './shapes/credentials.ts'
export * from './shapes/devices.ts'
export * from './shapes/endpoints.ts'
export * from './shapes/events.ts'
export * from './shapes/figures.ts'
export * from './shapes/groups.ts'
export * from './shapes/models.ts'
export * from './shapes/operations.ts'
export * from './shapes/paging.ts'
export * from './shapes/people.ts'
export * from './shapes/policies.ts'
export * from './shapes/problem.ts'
export * from './shapes/profiles.ts'
export * from './shapes/releases.ts'
export * from './shapes/settings.ts'
export * from './shapes/thingsboard-names.ts'
export { Id, NameOnly, Reason, Time } from './shapes/words.ts'
