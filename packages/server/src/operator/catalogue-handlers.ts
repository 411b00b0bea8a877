/** The handlers of the routes about uploads and releases. */
import type { CATALOGUE_ROUTES } from '@updraft/api/routes/catalogue'
import { replyWithSource } from '../transports/byte-reply.ts'
import { byteSource } from '../transports/byte-source.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { readBytes } from './request-bytes.ts'
import { announcedUpload, offsetOf, speakTus, tellAddress, tellOffset } from './tus.ts'
import { artifactView, packageView, pageView, releaseView, uploadView } from './views.ts'

export function catalogueHandlers({
  catalogue,
  uploads,
}: Pick<OperatorNeeds, 'catalogue' | 'uploads'>): Pick<Handlers, keyof typeof CATALOGUE_ROUTES> {
  return {
    uploadArtifact: async ({ input: { query }, caller: { actor }, request }) => {
      const length = request.headers['content-length']
      const stored = await readBytes(request, (bytes) =>
        catalogue.upload(actor, bytes, {
          ...query,
          sizeBytes: length === undefined ? undefined : Number(length),
        }),
      )
      return artifactView(stored)
    },
    beginUpload: async ({ caller: { actor }, request, reply }) => {
      speakTus(request, reply)
      const begun = await uploads.begin(actor, announcedUpload(request))
      tellAddress(reply, begun)
      // The first bytes may come along.
      const upload = await readBytes(request, (bytes) => uploads.append(actor, begun, bytes))
      tellOffset(reply, upload)
      return uploadView(upload)
    },
    showUpload: async ({ input: { params }, caller: { actor }, request, reply }) => {
      speakTus(request, reply)
      // Who asks for the head alone is about to go on.
      const ask = request.method === 'HEAD' ? uploads.takeUp : uploads.show
      const upload = await ask(actor, params.id)
      tellOffset(reply, upload)
      return uploadView(upload)
    },
    continueUpload: async ({ input: { params }, caller: { actor }, request, reply }) => {
      const upload = await readBytes(request, (bytes) => {
        speakTus(request, reply)
        const place = { id: params.id, offsetBytes: offsetOf(request) }
        return uploads.append(actor, place, bytes)
      })
      tellOffset(reply, upload)
    },
    abandonUpload: async ({ input: { params }, caller: { actor }, request, reply }) => {
      speakTus(request, reply)
      await uploads.abandon(actor, params.id)
    },
    listPackages: async ({ input: { query }, caller: { actor } }) =>
      pageView(await catalogue.listPackages(actor, query), packageView),
    listReleases: async ({ input: { query }, caller: { actor } }) =>
      pageView(await catalogue.listReleases(actor, query), releaseView),
    createRelease: async ({ input: { body }, caller: { actor } }) =>
      releaseView(await catalogue.createRelease(actor, body)),
    showRelease: async ({ input: { params }, caller: { actor }, shows }) => {
      const release = await catalogue.showRelease(actor, params.id)
      shows(release)
      return releaseView(release)
    },
    changeRelease: async ({ input: { params, body }, caller: { actor }, revision, shows }) => {
      const release = await catalogue.describeRelease(actor, params.id, body.description, revision)
      shows(release)
      return releaseView(release)
    },
    removeRelease: async ({ input: { params }, caller: { actor } }) => {
      await catalogue.removeRelease(actor, params.id)
    },
    downloadRelease: async ({ input: { params }, caller: { actor }, request, reply }) => {
      const fetched = request.method === 'HEAD' ? null : { range: request.headers.range }
      const { release, handle } = await catalogue.openRelease(actor, params.id, fetched)
      const { contentType, fileName } = release.artifact ?? {}
      const source = byteSource(handle, { name: handle.sha256, contentType, fileName })
      await replyWithSource(request, reply, source)
      return reply
    },
  }
}
