import { Alert, Button, Modal, NumberInput, Select, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../../data/changes.ts'
import { Copyable } from '../../../parts/copyable.tsx'
import { Dialog } from '../../../parts/dialog.tsx'
import { useProfiles } from '../../../parts/profile-filter.tsx'
import { exactTime } from '../../../words/time.ts'
import type { RealmData } from '../realm.tsx'

const YEAR_DAYS = 365
const MOST_DAYS = 3650

/** Makes a token by which agents register devices, and shows it once. */
export function AgentToken({ realm, onClose }: { realm: RealmData; onClose: () => void }) {
  const [profile, setProfile] = useState<string | null>(null)
  const [days, setDays] = useState<number | string>(YEAR_DAYS)
  const profiles = useProfiles()
  const make = useChange('createAgentToken', { touches: ['realm'] })
  if (make.data) {
    const { token, expiresAt } = make.data
    return (
      <Modal opened onClose={onClose} title="Agent token" size="lg" closeOnClickOutside={false}>
        <Stack>
          <Alert color="green">
            This token is shown once. Keep it now, or put it on the devices.
          </Alert>
          <Copyable text={token} what="token" />
          <Text size="sm">
            It registers devices in {realm.name} as {profile ?? realm.profile}, and is good until{' '}
            {exactTime(new Date(expiresAt))}.
          </Text>
          <Button onClick={onClose}>I have it</Button>
        </Stack>
      </Modal>
    )
  }
  return (
    <Dialog
      title="Make an agent token"
      verb="Make the token"
      isBusy={make.isPending}
      isIncomplete={days === ''}
      onSubmit={() =>
        make.mutate({ body: { days: Number(days), ...(profile !== null && { profile }) } })
      }
      onClose={onClose}
    >
      <Text size="sm" className="quiet">
        With it a device, or whoever makes it, registers devices in this realm and is answered their
        credentials secrets. It cannot be taken back by itself: a new key of the realm ends all of
        them.
      </Text>
      <Select
        label="Profile of the devices it registers"
        placeholder={`${realm.profile}, that of the realm`}
        data={profiles.map(({ name }) => name)}
        value={profile}
        onChange={setProfile}
        searchable
        clearable
      />
      <NumberInput
        label="Good for"
        suffix=" days"
        value={days}
        onChange={setDays}
        min={1}
        max={MOST_DAYS}
        allowDecimal={false}
        w={160}
      />
    </Dialog>
  )
}
