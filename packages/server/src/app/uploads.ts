/** Uploads that survive a broken connection: begun, gone on with, and an artifact once all is there. */
import { DomainError, type OperatorActor } from '@updraft/core'
import type { RecordArtifact } from './artifact-record.ts'
import type { Ids, Upload, UploadStore } from './ports.ts'

export function uploads({
  ids,
  recordArtifact,
  uploads: store,
}: {
  ids: Ids
  recordArtifact: RecordArtifact
  uploads: UploadStore
}) {
  const of = ({ tenantId, id }: OperatorActor) => store.of({ tenantId, operatorId: id })

  const finished = async (actor: OperatorActor, upload: Upload): Promise<Upload> => {
    if (upload.artifact || upload.offsetBytes < upload.sizeBytes) return upload
    return of(actor).finish(upload.id, (artifact) => recordArtifact(actor, artifact))
  }

  return {
    /** Refuses with artifact.empty or store.full. */
    begin: async (
      actor: OperatorActor,
      said: { sizeBytes: number; fileName: string | null },
    ): Promise<Upload> => {
      if (said.sizeBytes === 0) throw new DomainError('artifact.empty', 'The file holds no bytes.')
      const upload = { id: ids.next(), ...said }
      await of(actor).begin(upload)
      return { ...upload, offsetBytes: 0, artifact: null }
    },

    show: (actor: OperatorActor, id: string): Promise<Upload> => of(actor).get(id),

    /** Where it goes on, for whoever is about to. What is whole and was cut off at its end is finished first. */
    takeUp: async (actor: OperatorActor, id: string): Promise<Upload> =>
      finished(actor, await of(actor).settle(id)),

    /** Answers when the bytes are durably there, or with what came of them before the source broke off. */
    append: async (
      actor: OperatorActor,
      { id, offsetBytes }: { id: string; offsetBytes: number },
      source: AsyncIterable<Uint8Array>,
    ): Promise<Upload> => finished(actor, await of(actor).append(id, offsetBytes, source)),

    /** What has become an artifact stays one, until the sweep finds that no release names it. */
    abandon: (actor: OperatorActor, id: string): Promise<void> => of(actor).remove(id),
  }
}

export type UploadsUseCases = ReturnType<typeof uploads>
