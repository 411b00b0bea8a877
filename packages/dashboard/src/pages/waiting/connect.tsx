/** How a device that speaks Ioto is pointed at this server: files and a command, ready to be copied. */
import { Alert, Modal, Select, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { read } from '../../data/queries.ts'
import { useProfiles } from '../../parts/profile-filter.tsx'
import { Ways } from '../../parts/ways-in.tsx'
import { iotoWaysFor } from '../../words/commands.ts'

export function ConnectDialog({ onClose }: { onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title="Connect a device" size="lg">
      <Connect />
    </Modal>
  )
}

export function Connect() {
  const endpoints = useQuery(read('settings', 'showEndpoints', {}))
  const profiles = useProfiles()
  const open = profiles.filter(({ provisioning }) => provisioning !== null)
  const [chosen, choose] = useState<string | null>(null)
  const profile = open.find(({ id }) => id === chosen) ?? open[0]
  if (!endpoints.data) return null
  return (
    <Stack>
      {profile ? (
        <Select
          label="Product"
          description="The profile its devices are of; the key by which they enrol is the product token."
          data={open.map(({ id, name }) => ({ value: id, label: name }))}
          value={profile.id}
          onChange={choose}
          allowDeselect={false}
        />
      ) : (
        <Alert color="orange">
          The product token is the key by which devices of a profile enrol themselves, and no
          profile lets them yet. Open{' '}
          <Link to="/profiles" className="plain-link">
            a profile
          </Link>{' '}
          and allow it.
        </Alert>
      )}
      <Ways
        ways={iotoWaysFor(endpoints.data.http, profile?.provisioning?.key ?? 'KEY_OF_A_PROFILE')}
      />
    </Stack>
  )
}
