/** What is going on, and what needs a hand. */
import { SegmentedControl, SimpleGrid, Skeleton } from '@mantine/core'
import { IconPlus, IconRocket } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { Empty } from '../parts/empty.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { Page } from '../parts/page.tsx'
import { Section } from '../parts/section.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { counted } from '../words/numbers.ts'
import { COUNTERS, type Counter, LOOKS } from '../words/states.tsx'
import { Activity } from './overview/activity.tsx'
import { Attention } from './overview/attention.tsx'
import { CampaignsUnderWay } from './overview/campaigns.tsx'
import { Field } from './overview/field.tsx'
import { Seen } from './overview/seen.tsx'
import '../parts/state-badge.css'
import './overview/overview.css'

const SPANS = [
  { value: '24', label: '24 h', steps: 24 },
  { value: '168', label: '7 d', steps: 56 },
  { value: '720', label: '30 d', steps: 60 },
] as const

export function Overview() {
  const overview = useQuery(read('overview', 'overview', {}))
  const may = useMay()
  if (overview.error && !overview.data) {
    return (
      <Page title="Overview">
        <Trouble error={overview.error} onRetry={() => void overview.refetch()} />
      </Page>
    )
  }
  if (overview.data?.devices === 0) {
    return (
      <Page title="Overview">
        <Empty
          Icon={IconRocket}
          title="No devices yet"
          action={
            may('device.write') && (
              <LinkButton to="/start" leftSection={<IconPlus size={16} />}>
                Set up the first update
              </LinkButton>
            )
          }
        >
          A profile, a device and a file are all it takes; it is done in five minutes.
        </Empty>
      </Page>
    )
  }
  return (
    <Page title="Overview">
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
        {(Object.keys(COUNTERS) as Counter[]).map((counter) => (
          <CounterCard key={counter} counter={counter} count={overview.data?.[counter]} />
        ))}
      </SimpleGrid>
      <ActivityCard />
      {may('campaign.read') && <CampaignsUnderWay />}
      <div className="overview-columns">
        <Section isCard title="Needs attention">
          <Attention />
        </Section>
        <div className="overview-side">
          <Section isCard title="In the field">
            <Field />
          </Section>
          <Section isCard title="Seen">
            <Seen seen={overview.data?.seen} />
          </Section>
        </div>
      </div>
    </Page>
  )
}

/** A number that is a filter: it opens the devices it counts. */
function CounterCard({ counter, count }: { counter: Counter; count: number | undefined }) {
  const { word, look, states } = COUNTERS[counter]
  const { Icon } = LOOKS[look]
  return (
    <Link
      to="/devices"
      search={{ state: states.join(',') }}
      className="card counter look"
      data-look={look}
    >
      <span className="counter-word">
        <Icon size={16} stroke={2} aria-hidden />
        {word}
      </span>
      {count === undefined ? (
        <Skeleton height={36} width={72} />
      ) : (
        <span className="counter-count" data-none={count === 0 || undefined}>
          {counted(count)}
        </span>
      )}
    </Link>
  )
}

function ActivityCard() {
  const [hours, setHours] = useState<string>('24')
  const span = SPANS.find(({ value }) => value === hours) ?? SPANS[0]
  const activity = useQuery(
    read('overview', 'showActivity', { query: { hours: Number(span.value), steps: span.steps } }),
  )
  const control = (
    <SegmentedControl
      size="xs"
      aria-label="How far back"
      data={SPANS.map(({ value, label }) => ({ value, label }))}
      value={hours}
      onChange={setHours}
    />
  )
  return (
    <Section title="Updates" aside={control} isCard>
      <div className="activity">
        {activity.data ? <Activity activity={activity.data} /> : <Skeleton height="100%" />}
      </div>
    </Section>
  )
}
