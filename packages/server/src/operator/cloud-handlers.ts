/** The handlers of the routes about clouds and artifact stores. */
import type { ARTIFACT_STORE_ROUTES } from '@updraft/api/routes/artifact-stores'
import type { CLOUD_ROUTES } from '@updraft/api/routes/clouds'
import type * as api from '@updraft/api/shapes'
import type { CloudToken, CloudView } from '../app/ports.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { pageView, time } from './views.ts'

export function cloudHandlers({
  artifactStores,
  clouds,
}: Pick<OperatorNeeds, 'artifactStores' | 'clouds'>): Pick<
  Handlers,
  keyof typeof CLOUD_ROUTES | keyof typeof ARTIFACT_STORE_ROUTES
> {
  return {
    listArtifactStores: async ({ caller: { actor } }) => ({
      items: [...(await artifactStores.list(actor))],
    }),
    moveArtifacts: ({ input: { body }, caller: { actor } }) => artifactStores.move(actor, body),
    listClouds: async ({ input: { query }, caller: { actor } }) =>
      pageView(await clouds.list(actor, query), cloudView),
    createCloud: async ({ input: { body }, caller: { actor } }) =>
      cloudView(await clouds.create(actor, body)),
    showCloud: async ({ input: { params }, caller: { actor } }) =>
      cloudView(await clouds.show(actor, params.id)),
    changeCloud: async ({ input: { params, body }, caller: { actor } }) =>
      cloudView(await clouds.change(actor, params.id, body)),
    removeCloud: async ({ input: { params }, caller: { actor } }) => {
      await clouds.remove(actor, params.id)
    },
    listCloudTokens: async ({ input: { params }, caller: { actor } }) => ({
      items: (await clouds.listTokens(actor, params.id)).map(tokenView),
      nextCursor: null,
    }),
    createCloudToken: async ({ input: { params }, caller: { actor } }) => {
      const { token, secret } = await clouds.createToken(actor, params.id)
      return { ...tokenView(token), token: secret }
    },
    revokeCloudToken: async ({ input: { params }, caller: { actor } }) => {
      await clouds.revokeToken(actor, params.id, params.tokenId)
    },
  }
}

const cloudView = (cloud: CloudView): api.Cloud => ({ ...cloud, createdAt: time(cloud.createdAt) })

const tokenView = ({ id, createdAt }: CloudToken): api.CloudToken => ({
  id,
  createdAt: time(createdAt),
})
