import { LOOKS, type Look } from '../words/states.tsx'
import './state-badge.css'

/** Icon, word and colour of a state. `isBare` leaves the surface out, for dense tables. */
export function StateBadge({
  look,
  word = LOOKS[look].word,
  isBare = false,
}: {
  look: Look
  word?: string
  isBare?: boolean
}) {
  const { Icon } = LOOKS[look]
  return (
    <span className="state" data-look={look} data-bare={isBare || undefined}>
      <Icon size={14} stroke={2} aria-hidden />
      {word}
    </span>
  )
}
