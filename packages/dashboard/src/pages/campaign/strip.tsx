/**
 * Every device as a small square in the colour of its state. One path a colour, so that ten thousand of them cost no
 * more than a handful of elements; who cannot see them finds the same in the list below.
 */
import { useElementSize } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { type PointerEvent, useMemo, useState } from 'react'
import { read } from '../../data/queries.ts'
import { useListState } from '../../parts/list-query.ts'
import { TARGETS, tallyWords } from '../../words/campaigns.ts'
import { counted } from '../../words/numbers.ts'
import { LOOKS, type Look } from '../../words/states.tsx'
import type { CampaignData } from '../campaign.tsx'
import { placesOf, squareAt } from './squares.ts'

type Dot = Output<'listTargetDots'>['items'][number]

const MOST = 10_000

const lookOf = ({ status, state }: Dot): Look =>
  status === 'in-progress' && state !== null ? state : TARGETS[status].look

const wordOf = ({ status, state }: Dot): string =>
  status === 'in-progress' && state !== null ? LOOKS[state].word : TARGETS[status].word

export function Strip({ campaign }: { campaign: CampaignData }) {
  const { id, total, tally } = campaign
  const { data } = useQuery(read('campaigns', 'listTargetDots', { params: { id } }))
  const { state } = useListState()
  const { ref, width } = useElementSize()
  const navigate = useNavigate()
  const [over, setOver] = useState<Dot | null>(null)
  const dots = data?.items ?? []
  const places = placesOf(dots.length, width)
  const paths = useMemo(() => pathsOf(dots, places, state.targets), [dots, places, state.targets])
  const dotOf = ({ clientX, clientY, currentTarget }: PointerEvent<SVGSVGElement>) => {
    const { left, top } = currentTarget.getBoundingClientRect()
    return dots[squareAt({ x: clientX - left, y: clientY - top }, places)] ?? null
  }
  return (
    <div className="strip" ref={ref}>
      {width > 0 && (
        <svg
          className="strip-squares"
          width={width}
          height={places.height}
          role="img"
          aria-label={`Each device as a square: ${tallyWords(tally)}`}
          onPointerMove={(event) => setOver(dotOf(event))}
          onPointerLeave={() => setOver(null)}
          onPointerUp={(event) => {
            const dot = dotOf(event)
            if (dot) void navigate({ to: '/devices/$deviceId', params: { deviceId: dot.device } })
          }}
        >
          {paths.map(({ look, isFaint, isIdle, d }) => (
            <path
              key={`${look} ${isFaint} ${isIdle}`}
              className="look"
              data-look={look}
              data-faint={isFaint || undefined}
              data-idle={isIdle || undefined}
              d={d}
            />
          ))}
        </svg>
      )}
      <p className="quiet strip-note" aria-hidden>
        {over
          ? `${wordOf(over)}: press to see the device`
          : total > MOST && `The first ${counted(MOST)} of ${counted(total)}.`}
      </p>
    </div>
  )
}

interface Path {
  readonly look: Look
  readonly isFaint: boolean
  readonly isIdle: boolean
  readonly d: string
}

/** Of those that are not of the chosen status only a shadow is seen. */
function pathsOf(
  dots: readonly Dot[],
  { size, step, perRow }: ReturnType<typeof placesOf>,
  chosen: string | undefined,
): readonly Path[] {
  const paths = new Map<string, Omit<Path, 'd'> & { readonly parts: string[] }>()
  for (const [index, dot] of dots.entries()) {
    const look = lookOf(dot)
    const isFaint = chosen !== undefined && chosen !== dot.status
    const isIdle = dot.status === 'idle'
    const key = `${look} ${isFaint} ${isIdle}`
    const path = paths.get(key) ?? { look, isFaint, isIdle, parts: [] }
    paths.set(key, path)
    const x = (index % perRow) * step
    const y = Math.floor(index / perRow) * step
    path.parts.push(`M${x} ${y}h${size}v${size}h-${size}z`)
  }
  return [...paths.values()].map(({ parts, ...path }) => ({ ...path, d: parts.join('') }))
}
