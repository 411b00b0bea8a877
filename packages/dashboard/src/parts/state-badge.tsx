import { LOOKS, type Look } from '../words/states.tsx'
import './state-badge.css'

/** Icon, word and colour of a state. `isBare` leaves the surface out, for dense tables. */
export function StateBadge({ look, isBare = false }: { look: Look; isBare?: boolean }) {
  const { word, Icon } = LOOKS[look]
  return (
    <span className="state" data-look={look} data-bare={isBare || undefined}>
      <Icon size={14} stroke={2} aria-hidden />
      {word}
    </span>
  )
}
