/** The file that is meant for a device, for whoever wants to put it there by hand. */
import { Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { read } from '../../data/queries.ts'
import { Facts } from '../../parts/detail.tsx'
import { Checksum, DownloadRelease, FileName } from '../../parts/release-file.tsx'
import { size } from '../../words/numbers.ts'

export function Artifact({ releaseId }: { releaseId: string }) {
  const { data } = useQuery(read('releases', 'showRelease', { params: { id: releaseId } }))
  if (data?.id !== releaseId) return null
  const { url, sizeBytes } = data
  return (
    <div className="artifact">
      <Facts
        facts={[
          [url === null ? 'File' : 'URL', <FileName key="file" release={data} />],
          ['Size', sizeBytes === null ? 'not known' : size(sizeBytes)],
          ['Checksum', <Checksum key="checksum" release={data} />],
        ]}
      />
      <Group gap="xs" mt="xs">
        <DownloadRelease release={data} />
        <Link to="/packages/$releaseId" params={{ releaseId }} className="plain-link">
          About the package
        </Link>
      </Group>
    </div>
  )
}
