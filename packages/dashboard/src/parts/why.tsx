import type { Icon as IconType } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import type { Look } from '../words/states.tsx'
import './state-badge.css'
import './why.css'

/** Why something is as it is, in a sentence or two. */
export function Why({ Icon, look, children }: { Icon: IconType; look: Look; children: ReactNode }) {
  return (
    <div className="card why look" data-look={look} role="status">
      <Icon size={18} aria-hidden />
      <div>{children}</div>
    </div>
  )
}
