import type { Json } from '@updraft/core'
import { Facts } from './detail.tsx'

/** What somebody says in JSON, one field a line. */
export function JsonFacts({
  json,
  none,
}: {
  json: Readonly<Record<string, Json>>
  /** Said when there is nothing. */
  none: string
}) {
  const entries = Object.entries(json)
  if (entries.length === 0) return <p className="quiet">{none}</p>
  return (
    <Facts
      facts={entries.map(([name, value]) => [
        name,
        <span key={name} className="mono">
          {typeof value === 'string' ? value : JSON.stringify(value)}
        </span>,
      ])}
    />
  )
}
