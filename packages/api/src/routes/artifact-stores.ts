/** Where the files of releases are kept. */
import { z } from 'zod'
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

export const ARTIFACT_STORE_ROUTES = {
  listArtifactStores: {
    method: 'GET',
    path: '/artifact-stores',
    summary: 'The artifact stores of the installation, the default one first',
    tag: 'clouds',
    permission: 'cloud.read',
    response: z.object({ items: z.array(shapes.ArtifactStore) }),
  },
  moveArtifacts: {
    method: 'POST',
    path: '/artifact-stores/move',
    summary: 'Move all files of one store to another; addresses that were given out stay good',
    tag: 'clouds',
    permission: 'tenant.write',
    body: shapes.ArtifactMove,
    response: shapes.ArtifactMoveBegun,
  },
} as const satisfies Record<string, Route>
