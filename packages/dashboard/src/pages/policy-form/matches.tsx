/** Whom an expression means now, and what may not be meant by it. */
import { Alert, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { read } from '../../data/queries.ts'
import type { Chosen } from '../../parts/device-select.tsx'
import { messageOf } from '../../parts/trouble.tsx'
import { counted, plural } from '../../words/numbers.ts'

const TYPING_MS = 300

export interface Asked {
  readonly releaseId: string
  readonly expression: string
  readonly cloudIds: readonly string[]
}

/** The count for what stands there now, once it is there. */
export function useMatches(now: Asked, isRead: boolean) {
  const [asked] = useDebouncedValue(now, TYPING_MS, { leading: true })
  const isSettled = JSON.stringify(asked) === JSON.stringify(now)
  const { data, error, isPlaceholderData } = useQuery({
    ...read('policies', 'countPolicy', { body: { ...asked, cloudIds: [...asked.cloudIds] } }),
    enabled: isRead && isSettled,
    retry: false,
  })
  return { matches: isRead && isSettled && !isPlaceholderData ? data : undefined, error }
}

export function Matches({
  reach: { matches, error },
  onTry,
}: {
  reach: ReturnType<typeof useMatches>
  /** One of them is to be looked at more closely. */
  onTry: (device: Chosen) => void
}) {
  if (error) return <p className="expression-holds">{messageOf(error)}</p>
  if (!matches) return <p className="expression-holds quiet">Counting…</p>
  const { count, population, sample } = matches
  return (
    <div className="expression-holds quiet" role="status">
      It holds for <strong>{counted(count)}</strong> of {plural(population, 'device')} now
      {sample.length > 0 && ': '}
      {sample.map(({ id, name }, index) => (
        <span key={id} className="policy-sample">
          <UnstyledButton title={`Try it on ${name}`} onClick={() => onTry({ id, name })}>
            {name}
          </UnstyledButton>
          {index < sample.length - 1 && ', '}
        </span>
      ))}
      {count > sample.length && sample.length > 0 && ` and ${counted(count - sample.length)} more`}.
    </div>
  )
}

export function Warnings({ releaseId, expression }: Pick<Asked, 'releaseId' | 'expression'>) {
  const [asked] = useDebouncedValue(expression, TYPING_MS)
  const { data } = useQuery({
    ...read('policies', 'checkPolicy', { body: { releaseId, expression: asked } }),
    retry: false,
  })
  if (!data || asked !== expression) return null
  return data.warnings.map(({ code, message }) => (
    <Alert key={code} color="orange" icon={<IconAlertTriangle size={18} />}>
      {message}
    </Alert>
  ))
}
