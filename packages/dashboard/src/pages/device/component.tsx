/** One type of component of a device: what it runs, what it should run and why, and what is under way. */
import { Button, Group } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPin, IconRefresh, IconX } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { type ReactNode, useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { useMay } from '../../data/session.ts'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { withTimes } from '../../words/time.ts'
import type { DeviceData } from '../device.tsx'
import { Artifact } from './artifact.tsx'
import { AssignToDevice } from './assign.tsx'
import { Steps } from './steps.tsx'

const TOUCHED = ['devices', 'operations', 'overview', 'assignments'] as const

export function Component({
  device,
  type,
  title = type,
  unassigned,
  children,
}: {
  device: DeviceData
  type: string
  title?: string
  /** Said where nothing is assigned, in place of that. */
  unassigned?: ReactNode
  /** What is to be said of it besides. */
  children?: ReactNode
}) {
  const may = useMay()
  const [isAssigning, assigning] = useDisclosure()
  const [question, ask] = useState<Question | null>(null)
  const cancel = useChange('cancelOperation', {
    touches: TOUCHED,
    done: 'The update was cancelled.',
  })
  const retry = useChange('retryOperation', { touches: TOUCHED, done: 'It is tried again.' })
  const unpin = useChange('unassignFromDevice', {
    touches: TOUCHED,
    done: `The profile decides again which ${type} this device runs.`,
  })
  const component = device.components[type]
  const operation = component?.operation ?? null
  const isUnderWay = operation !== null && operation.endedAt === null
  const isPinned = component?.assigned?.scope === 'device'
  const installed = device.installed[type]
  const shown = component?.target ?? component?.assigned?.release ?? null
  // What came by hand is in no list.
  const releaseId = shown?.id ?? null

  return (
    <section className="component card">
      <div className="component-head">
        <span className="component-type">{title}</span>
        <Group gap={6}>
          {may('assignment.write') && isPinned && (
            <Button
              size="xs"
              variant="subtle"
              color="gray"
              onClick={() => unpin.mutate({ params: { id: device.id, type } })}
            >
              Unpin
            </Button>
          )}
          {may('assignment.write') && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPin size={14} />}
              onClick={assigning.open}
            >
              Assign
            </Button>
          )}
        </Group>
      </div>
      <dl className="component-versions">
        <div>
          <dt>Runs</dt>
          <dd>
            <Version release={installed ?? null} none="unknown" />
          </dd>
        </div>
        <div>
          <dt>Should run</dt>
          <dd>
            <Version release={component?.target ?? null} none="nothing" />
          </dd>
        </div>
      </dl>
      <p className="component-because">
        {shown === null && unassigned
          ? unassigned
          : component
            ? withTimes(component.because)
            : `No ${type} is assigned.`}
        {component && may('policy.read') && <PolicyLink device={device} component={component} />}
      </p>
      {children}
      {releaseId !== null && <Artifact releaseId={releaseId} />}
      {operation && <Steps operation={operation} />}
      {operation && may('operation.write') && (
        <Group gap="xs" mt="sm">
          {isUnderWay && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconX size={14} />}
              onClick={() =>
                ask({
                  title: 'Cancel this update?',
                  body: `${operation.release.title} ${operation.release.version} is taken back. What the device does about it after that changes nothing here.`,
                  yes: 'Cancel the update',
                  isDangerous: true,
                  onYes: () =>
                    cancel.mutate({ params: { id: operation.id } }, { onSettled: () => ask(null) }),
                })
              }
            >
              Cancel
            </Button>
          )}
          {isRetriable(operation) && (
            <Button
              size="xs"
              leftSection={<IconRefresh size={14} />}
              loading={retry.isPending}
              onClick={() => retry.mutate({ params: { id: operation.id } })}
            >
              Try again
            </Button>
          )}
        </Group>
      )}
      <Confirm question={question} isBusy={cancel.isPending} onClose={() => ask(null)} />
      {isAssigning && <AssignToDevice device={device} type={type} onClose={assigning.close} />}
    </section>
  )
}

/** To the policy that decides, or to all there are where none does. */
function PolicyLink({
  device: { profile },
  component: { reason, policy },
}: {
  device: DeviceData
  component: DeviceData['components'][string]
}) {
  if (policy?.id) {
    return (
      <>
        {' '}
        <Link to="/policies/$releaseId" params={{ releaseId: policy.id }} className="plain-link">
          See the policy
        </Link>
      </>
    )
  }
  if (reason.code !== 'nothing.no-policy') return null
  return (
    <>
      {' '}
      <Link to="/policies" search={{ profile }} className="plain-link">
        See the policies of {profile}
      </Link>
    </>
  )
}

const isRetriable = ({
  state,
  release,
}: Output<'showOperation'> | NonNullable<DeviceData['operation']>) =>
  (state === 'FAILED' || state === 'CANCELED') && release.id !== null

function Version({
  release,
  none,
}: {
  release: {
    readonly id?: string | null
    readonly title: string | null
    readonly version: string | null
  } | null
  none: string
}) {
  if (!release) return <span className="quiet">{none}</span>
  const name = (
    <>
      {/* Devices of Edgehog tell no title, and are compared by the version alone. */}
      {release.title ?? (release.version === null && '?')}{' '}
      <span className="mono">{release.version ?? '?'}</span>
    </>
  )
  if (!release.id) return name
  return (
    <Link to="/packages/$releaseId" params={{ releaseId: release.id }} className="plain-link">
      {name}
    </Link>
  )
}
