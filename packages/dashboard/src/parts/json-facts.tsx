import { UnstyledButton } from '@mantine/core'
import { IconChevronRight } from '@tabler/icons-react'
import type { JsonObject } from '@updraft/core'
import { useState } from 'react'
import { type Fact, type FactGroup, factsIn } from '../words/facts.ts'
import { plural } from '../words/numbers.ts'
import { Facts } from './detail.tsx'
import './json-facts.css'

/** More than that in one place are folded until somebody asks. */
const SHOWN_AT_ONCE = 8

/** What somebody says in JSON: one field a line, and what belongs together under its name. */
export function JsonFacts({
  json,
  none,
}: {
  json: JsonObject
  /** Said when there is nothing. */
  none: string
}) {
  const { plain, groups } = factsIn(json)
  if (plain.length + groups.length === 0) return <p className="quiet">{none}</p>
  return (
    <>
      {plain.length > 0 && <Lines facts={plain} />}
      {groups.map((group) => (
        <Group key={group.name} group={group} />
      ))}
    </>
  )
}

function Group({ group: { name, facts } }: { group: FactGroup }) {
  const [isOpen, setOpen] = useState(facts.length <= SHOWN_AT_ONCE)
  return (
    <div className="fact-group">
      <UnstyledButton
        className="fact-group-head"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <IconChevronRight size={14} data-open={isOpen || undefined} aria-hidden />
        <span className="strong">{name}</span>
        {!isOpen && <span className="quiet">{plural(facts.length, 'fact')}</span>}
      </UnstyledButton>
      {isOpen && (
        <div className="fact-group-facts">
          <Lines facts={facts} />
        </div>
      )}
    </div>
  )
}

function Lines({ facts }: { facts: readonly Fact[] }) {
  return (
    <Facts
      facts={facts.map(({ name, words, exact }) => [
        name,
        <span key={name} className="mono" title={exact ?? undefined}>
          {words}
        </span>,
      ])}
    />
  )
}
