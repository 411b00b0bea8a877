import type { Look } from '../words/states.tsx'
import './state-badge.css'
import './stacked-bar.css'

export interface BarPart {
  readonly key: string
  readonly count: number
  /** Null is the empty part of the bar. */
  readonly look: Look | null
}

/** How many of a whole are what, as one thin bar; `label` says the same in words. */
export function StackedBar({ parts, label }: { parts: readonly BarPart[]; label: string }) {
  return (
    <div className="stacked-bar" role="img" aria-label={label} title={label}>
      {parts.map(
        ({ key, count, look }) =>
          count > 0 && (
            <span
              key={key}
              className="look"
              data-look={look ?? undefined}
              data-empty={look === null || undefined}
              style={{ flexGrow: count }}
            />
          ),
      )}
    </div>
  )
}
