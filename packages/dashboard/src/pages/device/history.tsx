/** All updates of a device, newest first, each with its steps, how long they took and why. */
import { Button, Skeleton, UnstyledButton } from '@mantine/core'
import { IconChevronRight } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type ItemOf, list } from '../../data/queries.ts'
import { usePairing } from '../../data/realm.ts'
import { StateBadge } from '../../parts/state-badge.tsx'
import { StatusCode } from '../../parts/status-code.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { LOOKS } from '../../words/states.tsx'
import { exactTime, span } from '../../words/time.ts'
import type { DeviceData } from '../device.tsx'

type Operation = ItemOf<'listDeviceOperations'>

export function History({ device }: { device: DeviceData }) {
  const pairing = usePairing(device)
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage } =
    useInfiniteQuery(
      list('operations', 'listDeviceOperations', {
        params: { id: device.id },
        query: { limit: 10 },
      }),
    )
  if (isPending) return <Skeleton height={80} />
  if (error) return <Trouble error={error} />
  const operations = data.pages.flatMap(({ items }) => items)
  const cancelling = new Set(pairing.data?.cancelling)
  if (operations.length === 0) return <p className="quiet">It was never updated from here.</p>
  return (
    <>
      <ul className="history">
        {operations.map((operation, index) => (
          <Entry
            key={operation.id}
            operation={operation}
            isBeingCancelled={cancelling.has(operation.id)}
            isFirst={index === 0}
          />
        ))}
      </ul>
      {hasNextPage && (
        <Button
          variant="default"
          size="xs"
          mt="sm"
          loading={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Earlier updates
        </Button>
      )}
    </>
  )
}

function Entry({
  operation,
  isBeingCancelled,
  isFirst,
}: {
  operation: Operation
  /** Cancelled here; the device has yet to stop. */
  isBeingCancelled: boolean
  isFirst: boolean
}) {
  const [isOpen, setOpen] = useState(isFirst)
  const { release, type, state, code, openedAt, endedAt, steps } = operation
  const seconds = endedAt === null ? null : (Date.parse(endedAt) - Date.parse(openedAt)) / 1000
  return (
    <li>
      <UnstyledButton
        className="history-head"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <IconChevronRight size={14} data-open={isOpen || undefined} aria-hidden />
        <span className="truncate">
          {release.title} <span className="mono">{release.version}</span>{' '}
          {type !== 'firmware' && <span className="quiet">{type}</span>}
        </span>
        <StateBadge look={state} isBare word={isBeingCancelled ? 'being cancelled' : undefined} />
        <span className="quiet figure">
          {seconds !== null && `${span(seconds)} · `}
          <TimeAgo at={openedAt} />
        </span>
      </UnstyledButton>
      {isOpen && isBeingCancelled && (
        <p className="quiet history-note">
          It is cancelled here. The device was told of it and is asked to stop; it has not answered
          yet.
        </p>
      )}
      {isOpen && (
        <ol className="timeline">
          {steps.map((step, index) => (
            <Moment
              key={`${step.at} ${step.state} ${step.because}`}
              step={step}
              code={step.state === 'FAILED' && step.outcome === 'moved' ? code : null}
              until={steps[index + 1]?.at ?? null}
            />
          ))}
        </ol>
      )}
    </li>
  )
}

function Moment({
  step,
  code,
  until,
}: {
  step: Operation['steps'][number]
  /** The device's own, of what it says here. */
  code: string | null
  until: string | null
}) {
  const { at, state, outcome, error, because } = step
  const { Icon, word } = LOOKS[state]
  const seconds = until === null ? null : (Date.parse(until) - Date.parse(at)) / 1000
  return (
    <li className="look" data-look={state} data-ignored={outcome === 'ignored' || undefined}>
      <Icon size={14} aria-hidden />
      <div>
        <div className="timeline-line">
          <span className="timeline-word">
            {word}
            {outcome === 'ignored' && ' (changed nothing)'}
            {outcome === 'remarked' && ' (remark)'}
          </span>
          <time className="quiet figure" dateTime={at}>
            {exactTime(new Date(at))}
            {seconds !== null && seconds >= 1 && ` · ${span(seconds)}`}
          </time>
        </div>
        <div className="quiet">
          {error ?? because}
          {code !== null && code !== error && <StatusCode code={code} />}
        </div>
      </div>
    </li>
  )
}
