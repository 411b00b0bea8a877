/** Clouds, and the tokens by which their devices come in. */
import { z } from 'zod'
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

const id = z.object({ id: shapes.Id })

export const CLOUD_ROUTES = {
  listClouds: {
    method: 'GET',
    path: '/clouds',
    summary: 'Clouds, with how many devices each serves',
    tag: 'clouds',
    permission: 'cloud.read',
    query: shapes.ListQuery.extend({
      name: z.string().optional().describe('exactly this name'),
    }),
    response: shapes.page(shapes.Cloud),
  },
  createCloud: {
    method: 'POST',
    path: '/clouds',
    summary: 'Add a cloud',
    tag: 'clouds',
    permission: 'cloud.write',
    body: shapes.CloudDraft,
    response: shapes.Cloud,
    status: 201,
  },
  showCloud: {
    method: 'GET',
    path: '/clouds/:id',
    summary: 'One cloud',
    tag: 'clouds',
    permission: 'cloud.read',
    params: id,
    response: shapes.Cloud,
  },
  changeCloud: {
    method: 'PATCH',
    path: '/clouds/:id',
    summary: 'Change a cloud; devices hear of it when they next ask',
    tag: 'clouds',
    permission: 'cloud.write',
    params: id,
    body: shapes.CloudChange,
    response: shapes.Cloud,
  },
  removeCloud: {
    method: 'DELETE',
    path: '/clouds/:id',
    summary: 'Remove a cloud and its tokens; refused while devices are of it',
    tag: 'clouds',
    permission: 'cloud.write',
    params: id,
    response: 'nothing',
  },
  listCloudTokens: {
    method: 'GET',
    path: '/clouds/:id/tokens',
    summary: 'Tokens of a cloud, without their secrets',
    tag: 'clouds',
    permission: 'cloud.read',
    params: id,
    response: shapes.page(shapes.CloudToken),
  },
  createCloudToken: {
    method: 'POST',
    path: '/clouds/:id/tokens',
    summary: 'Make a token by which devices of the cloud come in; those of before stay good',
    tag: 'clouds',
    permission: 'cloud.write',
    params: id,
    response: shapes.NewCloudToken,
    status: 201,
  },
  revokeCloudToken: {
    method: 'DELETE',
    path: '/clouds/:id/tokens/:tokenId',
    summary: 'Revoke a token of a cloud',
    tag: 'clouds',
    permission: 'cloud.write',
    params: id.extend({ tokenId: shapes.Id }),
    response: 'nothing',
  },
} as const satisfies Record<string, Route>
