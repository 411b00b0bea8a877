/** What a box can be asked to do once, and what it was asked and has not done yet. */
import { Button, Group } from '@mantine/core'
import { IconClock, IconCloudDownload, IconRotateClockwise } from '@tabler/icons-react'
import { useState } from 'react'
import type { BoxData } from '../../../data/boxes.ts'
import { useChange } from '../../../data/changes.ts'
import { useMay } from '../../../data/session.ts'
import { Confirm, type Question } from '../../../parts/confirm.tsx'
import { TimeAgo } from '../../../parts/time-ago.tsx'
import { isOwn } from '../../../words/boxes.ts'
import type { DeviceData } from '../../device.tsx'

const TOUCHES = ['devices', 'operations'] as const
const TOO_OLD = 'Boxes before 18.3 cannot be told to. Do it on the page of the box.'

export function BoxActs({ device, box }: { device: DeviceData; box: BoxData | undefined }) {
  const may = useMay()
  const [question, ask] = useState<Question | null>(null)
  const { name } = device
  const params = { id: device.id }
  const load = useChange('loadHandlers', {
    touches: TOUCHES,
    done: `${name} is asked to load its handlers.`,
  })
  const restart = useChange('restartBox', {
    touches: TOUCHES,
    done: `${name} is asked to restart.`,
  })
  const over = { onSettled: () => ask(null) }
  const unless = box?.canRestart === false ? TOO_OLD : undefined
  return (
    <>
      {may('device.write') && (
        <Group gap="xs" mb="md">
          <Button
            size="xs"
            leftSection={<IconCloudDownload size={14} />}
            disabled={!box || unless !== undefined}
            title={unless}
            loading={load.isPending}
            onClick={() => {
              if (isOwn(device)) load.mutate({ params })
              else
                ask({
                  title: `Have ${name} load its handlers?`,
                  body: 'A box of Odoo’s restarts for it, which takes a minute; whoever works at it waits. One that is away does so when it starts next, if that is within fifteen minutes.',
                  yes: 'Load handlers',
                  onYes: () => load.mutate({ params }, over),
                })
            }}
          >
            Load handlers
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRotateClockwise size={14} />}
            disabled={!box || unless !== undefined}
            title={unless}
            onClick={() =>
              ask({
                title: `Restart ${name}?`,
                body: isOwn(device)
                  ? 'It starts anew at once if it is on the line; whoever works at it waits. One that is away does so when it comes.'
                  : 'It starts anew at once if it is on the line, and takes new handlers then; whoever works at it waits.',
                yes: 'Restart it',
                onYes: () => restart.mutate({ params }, over),
              })
            }
          >
            Restart
          </Button>
          {unless && <span className="quiet acts-note">{unless}</span>}
        </Group>
      )}
      {box && box.wishes.length > 0 && (
        <ul className="wishes" role="status">
          {box.wishes.map(({ id, kind, askedAt, toldAt }) => (
            <li key={id}>
              <IconClock size={16} aria-hidden />
              <span>
                <span className="strong">{WISHES[kind]}</span> asked <TimeAgo at={askedAt} />,{' '}
                {toldAt === null ? (
                  <>not told yet; it is told when it comes</>
                ) : (
                  <>
                    told <TimeAgo at={toldAt} />, not done yet
                  </>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
      <Confirm
        question={question}
        isBusy={load.isPending || restart.isPending}
        onClose={() => ask(null)}
      />
    </>
  )
}

const WISHES: Readonly<Record<BoxData['wishes'][number]['kind'], string>> = {
  restart: 'Restart',
  'load-handlers': 'Load handlers',
}
