import type { Icon as IconType } from '@tabler/icons-react'
import { LOOKS, type Look } from '../words/states.tsx'
import './state-badge.css'

/** Icon, word and colour of a state. `isBare` leaves the surface out, for dense tables. */
export function StateBadge({
  look,
  word = LOOKS[look].word,
  Icon = LOOKS[look].Icon,
  isBare = false,
}: {
  look: Look
  word?: string
  Icon?: IconType
  isBare?: boolean
}) {
  return (
    <span className="state" data-look={look} data-bare={isBare || undefined}>
      <Icon size={14} stroke={2} aria-hidden />
      {word}
    </span>
  )
}
