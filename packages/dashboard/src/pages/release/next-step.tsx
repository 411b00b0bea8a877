/** What comes after adding a package: it is assigned to the devices it is made for. */
import { Button, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { read } from '../../data/queries.ts'
import { useMay } from '../../data/session.ts'
import { plural } from '../../words/numbers.ts'
import { AssignToProfile } from '../profile/assign.tsx'
import type { ReleaseData } from '../release.tsx'

export function NextStep({ release }: { release: ReleaseData }) {
  const may = useMay()
  const [isAssigning, assigning] = useDisclosure()
  const { profileId, type } = release
  const profile = useQuery(read('profiles', 'showProfile', { params: { id: profileId } }))
  const affected = useQuery(
    read('assignments', 'countAffected', { params: { id: profileId, type } }),
  )
  if (!may('profile.assign')) return <p className="quiet">Nothing is assigned it.</p>
  return (
    <div className="card next-step">
      <Text size="sm">No profile and no device is assigned it yet.</Text>
      <Button size="xs" disabled={!profile.data} onClick={assigning.open}>
        Assign it to profile {release.profile}
        {affected.data && ` (${plural(affected.data.devices, 'device')})`}
      </Button>
      {isAssigning && profile.data && (
        <AssignToProfile profile={profile.data} initialId={release.id} onClose={assigning.close} />
      )}
    </div>
  )
}
