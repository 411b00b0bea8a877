import type { Look } from '../words/states.tsx'
import './progress.css'

/** A thin bar in the state's colour. */
export function Progress({ percent, look, label }: { percent: number; look: Look; label: string }) {
  return (
    <div
      className="progress look"
      data-look={look}
      role="progressbar"
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-label={label}
    >
      <div style={{ transform: `scaleX(${percent / 100})` }} />
    </div>
  )
}
