import { Title } from '@mantine/core'
import type { ReactNode } from 'react'
import './section.css'

/** A part of a page or of the details of a thing, with a heading and perhaps something to do. */
export function Section({
  title,
  aside,
  isCard = false,
  children,
}: {
  title: string
  aside?: ReactNode
  /** Stands by itself on the page, a heading higher. */
  isCard?: boolean
  children: ReactNode
}) {
  return (
    <section className={isCard ? 'section card' : 'section'}>
      <div className="section-head">
        <Title order={isCard ? 2 : 3} size={isCard ? 'h5' : 'h6'}>
          {title}
        </Title>
        {aside}
      </div>
      {children}
    </section>
  )
}
