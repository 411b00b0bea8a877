/** What holds for devices of this profile that speak hawkBit's language, and what is put into their configurations. */
import {
  Alert,
  Button,
  Group,
  NumberInput,
  Select,
  Skeleton,
  Switch,
  TagsInput,
  TextInput,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import type { Output } from '@updraft/api/client'
import { CLIENT_KINDS, CLIENT_LIMITS, PROOFS_OF_LIFE, type ProofOfLife } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { read } from '../../data/queries.ts'
import { useMay } from '../../data/session.ts'
import { Copyable } from '../../parts/copyable.tsx'
import { Facts } from '../../parts/detail.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Section } from '../../parts/section.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { Ways } from '../../parts/ways-in.tsx'
import { hawkbitWaysFor } from '../../words/commands.ts'
import { PROOFS } from '../../words/handling.ts'
import { span } from '../../words/time.ts'
import type { ProfileData } from '../profile.tsx'

type Settings = Output<'showHawkbitSettings'>
type Client = (typeof CLIENT_KINDS)[number]

export function ProfileHawkbit({ profile }: { profile: ProfileData }) {
  const may = useMay()
  const [isOpen, dialog] = useDisclosure()
  const { data, error } = useQuery(
    read('profiles', 'showHawkbitSettings', { params: { id: profile.id } }),
  )
  return (
    <Section
      title="hawkBit"
      aside={
        may('profile.write') &&
        data && (
          <Button size="xs" variant="default" onClick={dialog.open}>
            Change
          </Button>
        )
      }
    >
      {error ? (
        <Trouble error={error} />
      ) : data ? (
        <Standing profile={profile} settings={data} />
      ) : (
        <Skeleton height={96} />
      )}
      {isOpen && data && <HawkbitDialog profile={profile} settings={data} onClose={dialog.close} />}
    </Section>
  )
}

function Standing({ profile, settings }: { profile: ProfileData; settings: Settings }) {
  const { client, confirmedBy, versionAttribute, versionType, handling, pollSeconds } = settings
  const { targetToken, gatewayToken, severalChunks, authorities } = settings
  const key = profile.provisioning?.key
  const ways = [
    ...(targetToken ? ['their own tokens'] : []),
    ...(gatewayToken ? ['the key of this profile'] : []),
    ...(authorities.length > 0 ? ['a certificate'] : []),
  ]
  return (
    <>
      <Facts
        facts={[
          [
            'Clients',
            client === null ? 'known by what they say of themselves' : CLIENT_LIMITS[client].name,
          ],
          [
            'An update counts',
            confirmedBy === null
              ? 'as is usual for the client'
              : confirmedBy === 'version-attribute' && versionAttribute !== null
                ? `when ${versionAttribute} tells the version`
                : PROOFS[confirmedBy],
          ],
          ...(versionAttribute === null
            ? []
            : [['Version', `${versionAttribute} tells that of ${versionType}`] as const]),
          ...(takesWhatIsSaid(client)
            ? [['Releases', severalChunks ? 'several at a time' : 'one at a time'] as const]
            : []),
          [
            'They come',
            pollSeconds === null ? 'as often as the server says' : `every ${span(pollSeconds)}`,
          ],
          ['Devices update', handling === 'forced' ? 'as soon as they are told' : 'when they like'],
          ['They come in with', ways.join(', or ') || 'nothing: none of them may'],
          ...(authorities.length > 0
            ? [['Authorities', <Authorities key="authorities" of={authorities} />] as const]
            : []),
        ]}
      />
      {gatewayToken && key !== undefined && (
        <details className="hawkbit-ways">
          <summary>What is put into their configurations</summary>
          <Ways ways={hawkbitWaysFor(location.origin, key)} />
        </details>
      )}
      {gatewayToken && key === undefined && (
        <Alert color="gray" mt="xs">
          Allow self-enrolment above: its key lets devices in that nobody has added.
        </Alert>
      )}
    </>
  )
}

/** Of other clients it is known how many releases they take. */
const takesWhatIsSaid = (client: Client | null): boolean => client === null || client === 'ddi'

function Authorities({ of }: { of: readonly string[] }) {
  return (
    <div className="hawkbit-authorities">
      {of.map((fingerprint) => (
        <Copyable key={fingerprint} text={fingerprint} what="fingerprint" />
      ))}
    </div>
  )
}

function HawkbitDialog({
  profile,
  settings: initial,
  onClose,
}: {
  profile: ProfileData
  settings: Settings
  onClose: () => void
}) {
  const [settings, setSettings] = useState(initial)
  const change = (to: Partial<Settings>) => setSettings((now) => ({ ...now, ...to }))
  const save = useChange('changeHawkbitSettings', {
    touches: ['profiles', 'devices'],
    done: 'Set.',
  })
  const { client, confirmedBy, versionAttribute, needsConfirmation, handling } = settings
  const mayAsk = client === null || CLIENT_LIMITS[client].canConfirm
  return (
    <Dialog
      title={`hawkBit for ${profile.name}`}
      verb="Set it"
      isBusy={save.isPending}
      onSubmit={() =>
        save.mutate(
          {
            params: { id: profile.id },
            body: {
              client,
              confirmedBy,
              versionAttribute: versionAttribute?.trim() || null,
              versionType: settings.versionType.trim() || 'firmware',
              severalChunks: settings.severalChunks,
              pollSeconds: settings.pollSeconds,
              authorities: settings.authorities,
              needsConfirmation: mayAsk && needsConfirmation,
              handling,
              targetToken: settings.targetToken,
              gatewayToken: settings.gatewayToken,
            },
          },
          { onSuccess: onClose },
        )
      }
      onClose={onClose}
    >
      <Select
        label="Clients"
        description="What they can take is known of each kind, and looked at before they are asked."
        placeholder="known by what they say of themselves"
        data={CLIENT_KINDS.map((value) => ({ value, label: CLIENT_LIMITS[value].name }))}
        value={client}
        onChange={(to) => change({ client: to as Client | null })}
        clearable
      />
      <Select
        label="An update counts"
        description="A client may report success before the device has started anew."
        placeholder="as is usual for the client"
        data={PROOFS_OF_LIFE.map((value) => ({ value, label: PROOFS[value] }))}
        value={confirmedBy}
        onChange={(to) => change({ confirmedBy: to as ProofOfLife | null })}
        clearable
      />
      <Group grow align="flex-end" gap="sm">
        <TextInput
          label="Version attribute"
          description="By which a device tells what it runs."
          placeholder={confirmedBy === 'version-attribute' ? 'version' : 'none'}
          value={versionAttribute ?? ''}
          onChange={(event) => change({ versionAttribute: event.currentTarget.value })}
          required={confirmedBy === 'version-attribute'}
        />
        <TextInput
          label="Its component"
          description="Whose version that is."
          placeholder="firmware"
          value={settings.versionType}
          onChange={(event) => change({ versionType: event.currentTarget.value })}
          disabled={!versionAttribute}
          required={Boolean(versionAttribute)}
        />
      </Group>
      {takesWhatIsSaid(client) && (
        <Switch
          label="Several releases at a time"
          description="For clients of no known kind; others are told what they can take."
          checked={settings.severalChunks}
          onChange={(event) => change({ severalChunks: event.currentTarget.checked })}
        />
      )}
      <NumberInput
        label="They come every"
        description="While nothing is to be done; sooner towards a window, or in the middle of an update."
        placeholder="as the server says"
        suffix=" s"
        min={1}
        max={86_399}
        allowDecimal={false}
        value={settings.pollSeconds ?? ''}
        onChange={(to) => change({ pollSeconds: typeof to === 'number' ? to : null })}
      />
      <Switch
        label="At once"
        description="Off, a device updates when it likes."
        checked={handling === 'forced'}
        onChange={(event) =>
          change({ handling: event.currentTarget.checked ? 'forced' : 'attempt' })
        }
      />
      {mayAsk && (
        <Switch
          label="Ask somebody at the device"
          description="Before each update, where the client can."
          checked={needsConfirmation}
          onChange={(event) => change({ needsConfirmation: event.currentTarget.checked })}
        />
      )}
      <Switch
        label="Devices come in with tokens of their own"
        checked={settings.targetToken}
        onChange={(event) => change({ targetToken: event.currentTarget.checked })}
      />
      <Switch
        label="Devices come in with the key of this profile"
        description="Whoever knows it is any of its devices."
        checked={settings.gatewayToken}
        onChange={(event) => change({ gatewayToken: event.currentTarget.checked })}
      />
      <TagsInput
        label="Authorities"
        description="Fingerprints of those whose certificates let devices in, here or at a trusted proxy."
        placeholder={settings.authorities.length === 0 ? 'none' : ''}
        value={[...settings.authorities]}
        onChange={(authorities) => change({ authorities })}
        splitChars={[',', ';']}
      />
    </Dialog>
  )
}
