/** How far what is being done to several devices has come, and in the end which of them were refused, and why. */
import { Button, Group, Modal, Progress, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { type Job, putJobAway, stopJob, useJob, useStay } from '../../data/job.ts'
import '../../parts/bulk-bar.css'
import { messageOf } from '../../parts/trouble.tsx'
import { counted, plural } from '../../words/numbers.ts'

export function JobUnderWay({ onSelect }: { onSelect: (ids: ReadonlySet<string>) => void }) {
  const job = useJob()
  useStay(job?.result === null)
  if (!job) return null
  if (job.result) return <Outcome job={job} result={job.result} onSelect={onSelect} />
  const { title, count, total, isStopped } = job
  return (
    <div className="bulk" role="toolbar" aria-label={title}>
      <Text size="sm" fw={600} className="truncate">
        {title}
      </Text>
      <Progress value={(100 * count) / total} w={160} aria-label="Done" />
      <Text size="sm" className="quiet figure" role="status">
        {counted(count)} of {counted(total)}
      </Text>
      <Button size="xs" variant="default" loading={isStopped} onClick={stopJob}>
        Stop
      </Button>
    </div>
  )
}

function Outcome({
  job: { title, total },
  result: { done, refused, left },
  onSelect,
}: {
  job: Job
  result: NonNullable<Job['result']>
  onSelect: (ids: ReadonlySet<string>) => void
}) {
  if (refused.length + left.length === 0) return null
  const remaining = [...refused.map(({ thing }) => thing), ...left]
  return (
    <Modal opened onClose={putJobAway} title={title} size="lg">
      <Stack>
        <Text size="sm">
          Done for {counted(done)} of {plural(total, 'device')}
          {refused.length > 0 && `; ${counted(refused.length)} refused`}
          {left.length > 0 && `; ${counted(left.length)} not begun, as it was stopped`}.
        </Text>
        {refused.length > 0 && (
          <ul className="lines">
            {refused.map(({ thing: { id, name }, error }) => (
              <li key={id}>
                <Link
                  to="/devices/$deviceId"
                  params={{ deviceId: id }}
                  className="plain-link"
                  onClick={putJobAway}
                >
                  {name}
                </Link>
                <span className="quiet">{messageOf(error)}</span>
              </li>
            ))}
          </ul>
        )}
        <Group justify="flex-end" gap="xs">
          <Button
            variant="default"
            onClick={() => {
              onSelect(new Set(remaining.map(({ id }) => id)))
              putJobAway()
            }}
          >
            Select {remaining.length === 1 ? 'it' : `these ${counted(remaining.length)}`} again
          </Button>
          <Button onClick={putJobAway} data-autofocus>
            Done
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
