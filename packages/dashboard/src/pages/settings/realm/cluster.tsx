/** A cluster of Astarte on which the realm's devices live, and how it stands with it. */
import { Alert, Button, Group, Skeleton, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { Output } from '@updraft/api/client'
import { useChange } from '../../../data/changes.ts'
import { clusterQuery } from '../../../data/realm.ts'
import { useMay } from '../../../data/session.ts'
import { Copyable } from '../../../parts/copyable.tsx'
import { Facts } from '../../../parts/detail.tsx'
import { MoreMenu } from '../../../parts/more-menu.tsx'
import { Section } from '../../../parts/section.tsx'
import { StateBadge } from '../../../parts/state-badge.tsx'
import { TimeAgo } from '../../../parts/time-ago.tsx'
import { Trouble, tellTrouble } from '../../../parts/trouble.tsx'
import type { RealmData } from '../realm.tsx'
import { ClusterDialog } from './cluster-dialog.tsx'

export type ClusterData = Output<'showCluster'>

/** It looks after the cluster by itself; what came of it is looked at so often while the page is open. */
const LOOK_EVERY_MS = 5_000

export function Cluster({ realm }: { realm: RealmData }) {
  const may = useMay()
  const [isSetting, setting] = useDisclosure()
  const { data: cluster, error } = useQuery({
    ...clusterQuery,
    refetchInterval: ({ state }) => (state.data ? LOOK_EVERY_MS : false),
  })
  const hasPaired = realm.deviceCount > 0 && !cluster
  return (
    <Section
      title="Astarte elsewhere"
      isCard
      aside={may('realm.write') && cluster && <Actions cluster={cluster} onChange={setting.open} />}
    >
      {error ? (
        <Trouble error={error} />
      ) : cluster ? (
        <Standing cluster={cluster} />
      ) : cluster === null ? (
        <>
          <Text size="sm" className="quiet">
            Devices may stay on an Astarte you run already: they are asked through its API, and its
            triggers tell what they say. Nothing changes on the devices.
            {hasPaired && ' That takes a realm in which no device is paired here.'}
          </Text>
          {may('realm.write') && !hasPaired && (
            <Button size="xs" variant="default" mt="sm" onClick={setting.open}>
              Use an Astarte elsewhere
            </Button>
          )}
        </>
      ) : (
        <Skeleton height={80} />
      )}
      {isSetting && (
        <ClusterDialog cluster={cluster ?? undefined} realm={realm} onClose={setting.close} />
      )}
    </Section>
  )
}

function Actions({ cluster, onChange }: { cluster: ClusterData; onChange: () => void }) {
  const remove = useChange('removeCluster', { touches: ['realm', 'devices'] })
  return (
    <Group gap={4}>
      <Button size="xs" variant="default" onClick={onChange}>
        Change
      </Button>
      <MoreMenu
        label="The cluster: more"
        removal={{
          what: 'cluster',
          title: `No more updates over ${cluster.baseUrl}?`,
          body: 'Its triggers are taken back. The devices stay known here with all that happened to them, and are asked nothing further.',
          isBusy: remove.isPending,
          onYes: (over) =>
            remove.mutate(
              {},
              {
                onSuccess: ({ untakenBack }) => {
                  if (untakenBack === null) return
                  const left = `Its triggers could not be taken back: ${untakenBack}`
                  tellTrouble(new Error(left))
                },
                onSettled: over,
              },
            ),
        }}
      />
    </Group>
  )
}

function Standing({ cluster }: { cluster: ClusterData }) {
  const may = useMay()
  const { baseUrl, realm, algorithm, version, lookedAt, wellAt, done, error, triggersCall } =
    cluster
  const check = useChange('checkCluster', { touches: ['realm'] })
  return (
    <>
      {error !== null && (
        <Alert color="red" mb="sm" role="alert">
          {error}
        </Alert>
      )}
      <Facts
        facts={[
          ['State', <Health key="state" cluster={cluster} />],
          ['Address', <Copyable key="url" text={baseUrl} what="address" />],
          ['Realm there', `${realm}, signed by ${algorithm}`],
          ['Astarte', version ?? <span className="quiet">not heard yet</span>],
          ['Looked at', <TimeAgo key="looked" at={lookedAt} never="not yet" />],
          ...(error === null
            ? []
            : [['Well last', <TimeAgo key="well" at={wellAt} never="never" />] as const]),
          ['Triggers call', <Copyable key="calls" text={triggersCall} what="address" />],
          ...(done.length === 0
            ? []
            : [['Set right last', <Done key="done" done={done} />] as const]),
        ]}
      />
      {may('realm.write') && (
        <Button
          size="xs"
          variant="default"
          mt="sm"
          loading={check.isPending}
          onClick={() => check.mutate({})}
        >
          Check now
        </Button>
      )}
      {check.data && <Report items={check.data.items} />}
    </>
  )
}

function Health({ cluster: { error, lookedAt } }: { cluster: ClusterData }) {
  if (error !== null) return <StateBadge look="FAILED" word="needs a look" isBare />
  if (lookedAt === null) return <StateBadge look="QUEUED" word="not looked at yet" isBare />
  return <StateBadge look="UPDATED" word="all is well" isBare />
}

function Done({ done }: { done: readonly string[] }) {
  return (
    <ul className="plain-list">
      {done.map((each) => (
        <li key={each}>{each}</li>
      ))}
    </ul>
  )
}

/** What was tried, one a line, and what came of it. */
function Report({ items }: { items: Output<'checkCluster'>['items'] }) {
  return (
    <ul className="used-by cluster-report" aria-label="What the check found">
      {items.map(({ what, isWell, message }) => (
        <li key={what} className="look" data-look={isWell ? 'UPDATED' : 'FAILED'}>
          {isWell ? <IconCheck size={16} aria-hidden /> : <IconX size={16} aria-hidden />}
          <span>
            <span className="strong">{what}</span>
            <span className="visually-hidden">{isWell ? ', well' : ', not well'}</span>
            <br />
            <span className="quiet">{message}</span>
          </span>
        </li>
      ))}
    </ul>
  )
}
