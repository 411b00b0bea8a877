import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../../data/changes.ts'
import { Dialog } from '../../../parts/dialog.tsx'
import { PemField } from '../../../parts/pem-field.tsx'
import type { RealmData } from '../realm.tsx'
import type { ClusterData } from './cluster.tsx'

/** Has a cluster serve the realm's devices, or changes how it is reached. Its key is never shown again. */
export function ClusterDialog({
  cluster,
  realm,
  onClose,
}: {
  cluster: ClusterData | undefined
  realm: RealmData
  onClose: () => void
}) {
  const [baseUrl, setBaseUrl] = useState(cluster?.baseUrl ?? '')
  const [theirs, setTheirs] = useState(cluster?.realm ?? realm.name)
  const [privateKey, setPrivateKey] = useState('')
  const set = useChange('setCluster', {
    touches: ['realm', 'devices'],
    done: 'The cluster is looked at now, and brought to what updates need.',
  })
  const hasKey = privateKey.trim() !== ''
  return (
    <Dialog
      title={cluster ? 'Change the cluster' : 'Use an Astarte elsewhere'}
      verb={cluster ? 'Change' : 'Use it'}
      isBusy={set.isPending}
      isIncomplete={!cluster && !hasKey}
      onSubmit={() =>
        set.mutate(
          { body: { baseUrl, realm: theirs, ...(hasKey && { privateKey }) } },
          { onSuccess: onClose },
        )
      }
      onClose={onClose}
    >
      <TextInput
        label="Address of its API"
        description="What appengine, realmmanagement and pairing stand below."
        placeholder="https://api.astarte.example.com"
        type="url"
        value={baseUrl}
        onChange={(event) => setBaseUrl(event.currentTarget.value)}
        maxLength={255}
        required
        data-autofocus
      />
      <TextInput
        label="Realm"
        description="As it is called there."
        value={theirs}
        onChange={(event) => setTheirs(event.currentTarget.value)}
        maxLength={48}
        required
      />
      <PemField
        label="Private key of the realm"
        description={
          cluster
            ? 'In PEM. Empty: the one before.'
            : 'In PEM. With it this server signs what it asks there. It is kept here and never shown.'
        }
        kind="EC PRIVATE KEY"
        value={privateKey}
        onChange={setPrivateKey}
        required={!cluster}
      />
    </Dialog>
  )
}
