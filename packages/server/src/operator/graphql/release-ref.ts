/** Names of types that speak of each other. */
import type * as api from '@updraft/api/shapes'
import { builder } from './builder.ts'

export const ReleaseRef = builder.objectRef<api.Release>('Release')
export const PackageRef = builder.objectRef<api.Package>('Package')
