import { Select, TextInput } from '@mantine/core'
import { isRealm } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../../data/changes.ts'
import { Dialog } from '../../../parts/dialog.tsx'
import { useProfiles } from '../../../parts/profile-filter.tsx'
import type { RealmData } from '../realm.tsx'

/** Makes the realm, or changes the one there is. */
export function RealmDialog({ realm, onClose }: { realm?: RealmData; onClose: () => void }) {
  const [name, setName] = useState(realm?.name ?? '')
  const [profileId, setProfileId] = useState<string | null>(realm?.profileId ?? null)
  const profiles = useProfiles()
  const isKept = (realm?.deviceCount ?? 0) > 0
  const set = useChange('setRealm', {
    touches: ['realm'],
    done: realm ? 'Changed.' : `Devices can be paired in ${name} now.`,
  })
  return (
    <Dialog
      title={realm ? `Change ${realm.name}` : 'Make the realm'}
      verb={realm ? 'Change' : 'Make the realm'}
      isBusy={set.isPending}
      isIncomplete={!isRealm(name) || profileId === null}
      onSubmit={() => {
        if (profileId !== null) set.mutate({ body: { name, profileId } }, { onSuccess: onClose })
      }}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        description={
          isKept
            ? 'It stays while devices are paired: their certificates carry it.'
            : 'Small letters and digits, a letter first. It is in every topic of its devices.'
        }
        error={name !== '' && !isRealm(name) && 'Small letters and digits only, a letter first.'}
        placeholder="acme"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        maxLength={48}
        disabled={isKept}
        required
        data-autofocus
      />
      <Select
        label="Profile of new devices"
        description="What devices that register themselves get. One that tells the part number of a system model goes to that model's profile."
        placeholder={profiles.length > 0 ? 'What kind they are' : 'Add a profile first'}
        data={profiles.map(({ id, name: label }) => ({ value: id, label }))}
        value={profileId}
        onChange={setProfileId}
        searchable
        required
      />
    </Dialog>
  )
}
