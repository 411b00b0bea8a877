/** What can be done with several devices at once. */
import { Button } from '@mantine/core'
import {
  IconBuilding,
  IconCloud,
  IconCloudDownload,
  IconPin,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
  IconTag,
} from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { isBox } from '@updraft/core'
import { type ReactNode, useState } from 'react'
import { changeForm } from '../../data/boxes.ts'
import { api } from '../../data/client.ts'
import { putJobAway, runJob } from '../../data/job.ts'
import type { ItemOf } from '../../data/queries.ts'
import { useMay } from '../../data/session.ts'
import { BulkBar } from '../../parts/bulk-bar.tsx'
import { useClouds } from '../../parts/cloud-select.tsx'
import { mayFollow } from '../../parts/re-enrol-switch.tsx'
import { tellDone } from '../../parts/trouble.tsx'
import { plural } from '../../words/numbers.ts'
import { AssignAll, GiveAll, HoldAll, LabelAll, MoveAll } from './bulk-dialogs.tsx'

type Device = ItemOf<'listDevices'>

export function Bulk({ devices, onClear }: { devices: readonly Device[]; onClear: () => void }) {
  const may = useMay()
  const queries = useQueryClient()
  const hasClouds = useClouds().length > 0
  const [dialog, setDialog] = useState<'assign' | 'customer' | 'cloud' | 'label' | 'hold' | null>(
    null,
  )
  const close = () => setDialog(null)

  const run = async (
    verb: string,
    things: readonly Device[],
    act: (device: Device) => Promise<unknown>,
  ) => {
    close()
    onClear()
    const result = await runJob(`${verb} ${plural(things.length, 'device')}`, things, act)
    await queries.invalidateQueries()
    if (result?.done !== things.length) return
    tellDone(`Done for ${plural(result.done, 'device')}.`)
    putJobAway()
  }

  const failed = devices.filter(
    ({ operation }) => operation && ['FAILED', 'CANCELED'].includes(operation.state),
  )
  const areBoxes = devices.every(isBox)
  const profiles = new Set(devices.map(({ profile }) => profile))
  const [profile] = profiles

  return (
    <>
      <BulkBar count={devices.length} onClear={onClear}>
        {may('assignment.write') && (
          <Act
            icon={<IconPin size={14} />}
            unless={profiles.size !== 1 && 'They are of several profiles'}
            onClick={() => setDialog('assign')}
          >
            Assign
          </Act>
        )}
        {may('operation.write') && failed.length > 0 && (
          <Act
            icon={<IconRefresh size={14} />}
            onClick={() =>
              void run('Try again:', failed, async ({ operation }) => {
                if (operation) await api('retryOperation', { params: { id: operation.id } })
              })
            }
          >
            Try {plural(failed.length, 'failed one')} again
          </Act>
        )}
        {may('device.write') && areBoxes && (
          <>
            <Act
              icon={<IconCloudDownload size={14} />}
              onClick={() =>
                void run('Load the handlers of', devices, ({ id }) =>
                  api('loadHandlers', { params: { id } }),
                )
              }
            >
              Load handlers
            </Act>
            <Act icon={<IconPlayerPause size={14} />} onClick={() => setDialog('hold')}>
              Hold
            </Act>
            <Act
              icon={<IconPlayerPlay size={14} />}
              onClick={() =>
                void run('Release', devices, ({ id }) =>
                  changeForm(id, (form) => ({ ...form, hold: null })),
                )
              }
            >
              Release
            </Act>
          </>
        )}
        {may('device.write') && (
          <>
            <Act icon={<IconBuilding size={14} />} onClick={() => setDialog('customer')}>
              Customer
            </Act>
            {hasClouds && (
              <Act icon={<IconCloud size={14} />} onClick={() => setDialog('cloud')}>
                Cloud
              </Act>
            )}
            <Act icon={<IconTag size={14} />} onClick={() => setDialog('label')}>
              Label
            </Act>
          </>
        )}
      </BulkBar>
      {dialog === 'assign' && profile !== undefined && (
        <AssignAll
          count={devices.length}
          profile={profile}
          onAssign={({ id: releaseId, type, title, version }) =>
            void run(`Assign ${title} ${version} to`, devices, ({ id }) =>
              api('assignToDevice', { params: { id, type }, body: { releaseId } }),
            )
          }
          onClose={close}
        />
      )}
      {dialog === 'customer' && (
        <GiveAll
          count={devices.length}
          onGive={(customerId) =>
            void run('Change the customer of', devices, ({ id }) =>
              api('changeDevice', { params: { id }, body: { customerId } }),
            )
          }
          onClose={close}
        />
      )}
      {dialog === 'cloud' && (
        <MoveAll
          devices={devices}
          onMove={(cloudId, isToReEnrol) =>
            void run('Change the cloud of', devices, (device) =>
              isToReEnrol && mayFollow(device, cloudId)
                ? api('reEnrolDevices', { body: { deviceIds: [device.id], cloudId } })
                : api('changeDevice', { params: { id: device.id }, body: { cloudId } }),
            )
          }
          onClose={close}
        />
      )}
      {dialog === 'hold' && (
        <HoldAll
          count={devices.length}
          onHold={(hold) =>
            void run('Hold', devices, ({ id }) => changeForm(id, (form) => ({ ...form, hold })))
          }
          onClose={close}
        />
      )}
      {dialog === 'label' && (
        <LabelAll
          count={devices.length}
          onLabel={(added) =>
            void run('Label', devices, ({ id, labels }) =>
              api('changeDevice', {
                params: { id },
                body: { labels: [...new Set([...labels, ...added])] },
              }),
            )
          }
          onClose={close}
        />
      )}
    </>
  )
}

function Act({
  icon,
  unless = false,
  onClick,
  children,
}: {
  icon: ReactNode
  /** Why it cannot be done now. */
  unless?: string | false
  onClick: () => void
  children: ReactNode
}) {
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={icon}
      disabled={unless !== false}
      title={unless || undefined}
      onClick={onClick}
    >
      {children}
    </Button>
  )
}
