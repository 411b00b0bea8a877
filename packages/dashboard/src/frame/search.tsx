/** Search over everything, from anywhere: places, devices, releases and campaigns. */
import { Combobox, Kbd, Loader, Modal, TextInput, UnstyledButton, useCombobox } from '@mantine/core'
import { useDebouncedValue, useDisclosure, useHotkeys } from '@mantine/hooks'
import {
  IconAdjustmentsHorizontal,
  IconCpu,
  IconPackage,
  IconSearch,
  IconWaveSine,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Permission } from '@updraft/core'
import { useState } from 'react'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { PLACES, SETTINGS_PLACES } from '../places.ts'

const LIMIT = 6

export function Search() {
  const [isOpen, { open, close }] = useDisclosure()
  useHotkeys([
    ['mod+K', open],
    ['/', open],
  ])
  return (
    <>
      <UnstyledButton className="search" onClick={open}>
        <IconSearch size={16} aria-hidden />
        <span>Search everything</span>
        <Kbd size="xs">Ctrl K</Kbd>
      </UnstyledButton>
      <Modal.Root
        opened={isOpen}
        onClose={close}
        padding={0}
        size="lg"
        yOffset="12vh"
        centered={false}
      >
        <Modal.Overlay />
        <Modal.Content aria-label="Search everything">
          <Modal.Body>
            <Palette onChosen={close} />
          </Modal.Body>
        </Modal.Content>
      </Modal.Root>
    </>
  )
}

function Palette({ onChosen }: { onChosen: () => void }) {
  const may = useMay()
  const navigate = useNavigate()
  const combobox = useCombobox({ opened: true })
  const [text, setText] = useState('')
  const [search] = useDebouncedValue(text.trim(), 150)
  const isAsked = search !== ''
  const devices = useQuery({
    ...read('devices', 'listDevices', { query: { search, limit: LIMIT } }),
    enabled: isAsked,
  })
  const releases = useQuery({
    ...read('releases', 'listReleases', { query: { search, limit: LIMIT } }),
    enabled: isAsked,
  })
  const campaigns = useQuery({
    ...read('campaigns', 'listCampaigns', { query: { search, limit: LIMIT } }),
    enabled: isAsked && may('campaign.read'),
  })
  const isFound = ({ label, permission }: { label: string; permission: Permission | null }) =>
    (permission === null || may(permission)) &&
    label.toLowerCase().includes(text.trim().toLowerCase())
  const places = PLACES.filter(isFound)
  // All of them at once would hide the places themselves.
  const settings = text.trim() === '' ? [] : SETTINGS_PLACES.filter(isFound)
  const foundDevices = isAsked ? (devices.data?.items ?? []) : []
  const foundReleases = isAsked ? (releases.data?.items ?? []) : []
  const foundCampaigns = isAsked ? (campaigns.data?.items ?? []) : []
  const isEmpty =
    places.length +
      settings.length +
      foundDevices.length +
      foundReleases.length +
      foundCampaigns.length ===
    0
  const isAsking = isAsked && (devices.isFetching || releases.isFetching || campaigns.isFetching)

  return (
    <Combobox
      store={combobox}
      onOptionSubmit={(href) => {
        onChosen()
        void navigate({ href })
      }}
    >
      <Combobox.EventsTarget>
        <TextInput
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value)
            combobox.selectFirstOption()
          }}
          variant="unstyled"
          size="md"
          px="md"
          py={6}
          placeholder="A device, a package, a place"
          aria-label="Search everything"
          data-autofocus
          rightSection={isAsking ? <Loader size="xs" /> : null}
        />
      </Combobox.EventsTarget>
      <div className="palette">
        <Combobox.Options aria-label="What was found">
          {foundDevices.length > 0 && (
            <Combobox.Group label="Devices">
              {foundDevices.map(({ id, name, profile }) => (
                <Combobox.Option key={id} value={`/devices/${id}`}>
                  <IconCpu size={16} aria-hidden /> {name} <span className="quiet">{profile}</span>
                </Combobox.Option>
              ))}
            </Combobox.Group>
          )}
          {foundReleases.length > 0 && (
            <Combobox.Group label="Packages">
              {foundReleases.map(({ id, title, version, type }) => (
                <Combobox.Option key={id} value={`/packages/${id}`}>
                  <IconPackage size={16} aria-hidden /> {title} {version}{' '}
                  <span className="quiet">{type}</span>
                </Combobox.Option>
              ))}
            </Combobox.Group>
          )}
          {foundCampaigns.length > 0 && (
            <Combobox.Group label="Campaigns">
              {foundCampaigns.map(({ id, name, release: { title, version } }) => (
                <Combobox.Option key={id} value={`/campaigns/${id}`}>
                  <IconWaveSine size={16} aria-hidden /> {name}{' '}
                  <span className="quiet">
                    {title} {version}
                  </span>
                </Combobox.Option>
              ))}
            </Combobox.Group>
          )}
          {places.length + settings.length > 0 && (
            <Combobox.Group label="Places">
              {places.map(({ to, label, Icon, key }) => (
                <Combobox.Option key={to} value={to}>
                  <Icon size={16} aria-hidden /> {label}
                  <span className="keys">
                    <Kbd size="xs">g</Kbd> <Kbd size="xs">{key}</Kbd>
                  </span>
                </Combobox.Option>
              ))}
              {settings.map(({ part, label }) => (
                <Combobox.Option key={part} value={`/settings/${part}`}>
                  <IconAdjustmentsHorizontal size={16} aria-hidden /> {label}{' '}
                  <span className="quiet">Settings</span>
                </Combobox.Option>
              ))}
            </Combobox.Group>
          )}
          {isEmpty && !isAsking && <Combobox.Empty>Nothing of that name</Combobox.Empty>}
        </Combobox.Options>
      </div>
    </Combobox>
  )
}
