/** One policy: whom it is for, how far it has come, what keeps it back, and each of its devices. */
import { Alert, Menu } from '@mantine/core'
import { IconAlertTriangle, IconPencil, IconPlayerPause } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { useState } from 'react'
import { useChange } from '../data/changes.ts'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { Detail, Facts } from '../parts/detail.tsx'
import type { Chosen } from '../parts/device-select.tsx'
import { ExpressionText } from '../parts/expression-text.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { MoreMenu } from '../parts/more-menu.tsx'
import { PolicyBar } from '../parts/policy-bar.tsx'
import { PolicySwitch } from '../parts/policy-switch.tsx'
import { Section } from '../parts/section.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { Why } from '../parts/why.tsx'
import { plural } from '../words/numbers.ts'
import { EVERY_OLDER } from '../words/policies.ts'
import { CloudNames } from './policy/cloud-names.tsx'
import { PolicyDevices } from './policy/devices.tsx'
import { Figures } from './policy/figures.tsx'
import { Limits } from './policy/limits.tsx'
import { Trial } from './policy/trial.tsx'
import { LOOK_AGAIN_MS, Versions } from './policy/versions.tsx'
import './policy/policy.css'

export type PolicyData = Output<'showPolicy'>

export function Policy() {
  const { releaseId } = useParams({ from: '/inside/policies/$releaseId' })
  const { data, error, isPending } = useQuery({
    ...read('policies', 'showPolicy', { params: { id: releaseId } }),
    refetchInterval: LOOK_AGAIN_MS,
  })
  const may = useMay()
  const policy = data?.release.id === releaseId ? data : undefined
  return (
    <Detail
      title={policy ? `${policy.release.title} ${policy.release.version}` : 'Policy'}
      mark={policy && <PolicySwitch policy={policy} label="Enabled" />}
      actions={policy && may('policy.write') && <Acts policy={policy} />}
      backTo="/policies"
      error={error}
      isPending={isPending || !policy}
    >
      {policy && <Details policy={policy} />}
    </Detail>
  )
}

function Details({ policy }: { policy: PolicyData }) {
  const { release, type, profile, profileId, expression, isEnabled, counts, warnings } = policy
  const [device, setDevice] = useState<Chosen | null>(null)
  return (
    <>
      <p className="detail-line">
        <Link to="/packages/$releaseId" params={{ releaseId: release.id }} className="plain-link">
          {release.title} <span className="mono">{release.version}</span>
        </Link>{' '}
        for {type} of devices of{' '}
        <Link to="/profiles/$profileId" params={{ profileId }} className="plain-link">
          {profile}
        </Link>{' '}
        <span className="quiet">
          · by {policy.createdBy}, in force as it is since <TimeAgo at={policy.publishedAt} />
        </span>
      </p>
      {expression === '' ? (
        <ExpressionText text={`${EVERY_OLDER}: one that runs less than ${release.version}`} />
      ) : (
        <ExpressionText text={expression} />
      )}
      {!isEnabled && (
        <Why Icon={IconPlayerPause} look="HELD_BACK">
          <strong>It is switched off.</strong> Nobody new is offered {release.title}{' '}
          {release.version}; what devices have begun goes on.
        </Why>
      )}
      {warnings.map(({ code, message }) => (
        <Alert
          key={code}
          className="policy-warning"
          color="orange"
          icon={<IconAlertTriangle size={18} />}
        >
          {message}
        </Alert>
      ))}
      <Figures policy={policy} />
      <PolicyBar counts={counts} />
      <Limits policy={policy} />
      <Section title="Devices">
        <PolicyDevices releaseId={release.id} />
      </Section>
      <Section title="Try it on a device">
        <Trial releaseId={release.id} profile={profile} device={device} onChoose={setDevice} />
      </Section>
      <Section title={`Versions for ${profile}`}>
        <Versions policy={policy} />
      </Section>
      <Section title="About">
        <Facts
          facts={[
            ['Clouds', <CloudNames key="clouds" ids={policy.cloudIds} />],
            ['Devices in question', plural(counts.population, 'device')],
            ['Written', <TimeAgo key="written" at={policy.createdAt} />],
          ]}
        />
      </Section>
    </>
  )
}

function Acts({ policy: { release } }: { policy: PolicyData }) {
  const navigate = useNavigate()
  const name = `${release.title} ${release.version}`
  const remove = useChange('removePolicy', {
    touches: ['policies', 'devices', 'overview'],
    done: `The policy of ${name} was removed.`,
  })
  return (
    <>
      <LinkButton
        to="/policies/$releaseId/edit"
        params={{ releaseId: release.id }}
        variant="default"
        size="xs"
        leftSection={<IconPencil size={14} />}
      >
        Change
      </LinkButton>
      <MoreMenu
        removal={{
          what: 'policy',
          title: `Remove the policy of ${name}?`,
          body: 'The release stays. Nobody new is offered it; what devices have begun goes on. Who was offered it or held back is forgotten.',
          isBusy: remove.isPending,
          onYes: (over) =>
            remove.mutate(
              { params: { id: release.id } },
              { onSuccess: () => void navigate({ to: '/policies' }), onSettled: over },
            ),
        }}
      >
        <Menu.Item
          onClick={() =>
            void navigate({ to: '/packages/$releaseId', params: { releaseId: release.id } })
          }
        >
          See the package
        </Menu.Item>
      </MoreMenu>
    </>
  )
}
