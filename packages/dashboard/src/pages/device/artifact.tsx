/** The file that is meant for a device, for whoever wants to put it there by hand. */
import { useQuery } from '@tanstack/react-query'
import { read } from '../../data/queries.ts'
import { Checksum, DownloadRelease, FileName } from '../../parts/release-file.tsx'
import { size } from '../../words/numbers.ts'

export function Artifact({ releaseId }: { releaseId: string }) {
  const { data } = useQuery(read('releases', 'showRelease', { params: { id: releaseId } }))
  if (data?.id !== releaseId) return null
  return (
    <div className="artifact">
      <div className="artifact-facts">
        <FileName release={data} />
        {data.sizeBytes !== null && <span className="quiet figure">{size(data.sizeBytes)}</span>}
        <span className="quiet">
          <Checksum release={data} />
        </span>
      </div>
      <DownloadRelease release={data} />
    </div>
  )
}
