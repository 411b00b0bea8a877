import { useState } from 'react'
import { useChange } from '../../../data/changes.ts'
import { Dialog } from '../../../parts/dialog.tsx'
import { NameField } from '../../../parts/name-field.tsx'
import { PemField } from '../../../parts/pem-field.tsx'

/** Brings a public key with which somebody else signs tokens for agents. */
export function AddKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const [publicKey, setPublicKey] = useState('')
  const add = useChange('addRealmKey', {
    touches: ['realm'],
    done: `Tokens signed with ${name} are good now.`,
  })
  return (
    <Dialog
      title="Add a key"
      verb="Add the key"
      isBusy={add.isPending}
      isIncomplete={publicKey.trim() === ''}
      onSubmit={() => add.mutate({ body: { name, publicKey } }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <NameField placeholder="the old cluster" value={name} onChange={setName} />
      <PemField
        label="Public key"
        description="In PEM, as astartectl wrote it beside the realm's private key."
        kind="PUBLIC KEY"
        value={publicKey}
        onChange={setPublicKey}
      />
    </Dialog>
  )
}
