/** Updates over time by how they ended. A file of its own: the charts are fetched when they are looked at. */
import type { Output } from '@updraft/api/client'
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'
import { counted, plural } from '../../words/numbers.ts'
import { exactTime } from '../../words/time.ts'

type ActivityData = Output<'showActivity'>
type Step = ActivityData['items'][number]

const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const DAY_SECONDS = 86_400

export default function Activity({ activity: { items, stepSeconds } }: { activity: ActivityData }) {
  const total = items.reduce((sum, { updated, failed }) => sum + updated + failed, 0)
  const isLong = stepSeconds * items.length > 2 * DAY_SECONDS
  const label = (at: string) => (isLong ? day : hour).format(new Date(at))
  if (total === 0) return <p className="quiet activity-none">No update ended in this time.</p>
  return (
    <ResponsiveContainer width="100%" height="100%">
      <BarChart
        data={items}
        margin={{ top: 4, right: 0, bottom: 0, left: -16 }}
        barCategoryGap="20%"
      >
        <CartesianGrid vertical={false} stroke="var(--faint-line)" />
        <XAxis
          dataKey="at"
          tickFormatter={label}
          minTickGap={48}
          tickLine={false}
          axisLine={{ stroke: 'var(--line)' }}
          tick={{ fill: 'var(--quiet)', fontSize: 12 }}
        />
        <YAxis
          allowDecimals={false}
          tickFormatter={counted}
          tickLine={false}
          axisLine={false}
          tick={{ fill: 'var(--quiet)', fontSize: 12 }}
        />
        <Tooltip
          cursor={{ fill: 'var(--hover)' }}
          isAnimationActive={false}
          content={({ active, payload }) => {
            const step = payload?.[0]?.payload as Step | undefined
            return active && step ? <StepTip step={step} stepSeconds={stepSeconds} /> : null
          }}
        />
        <Bar
          dataKey="updated"
          stackId="ends"
          className="look"
          fill="light-dark(var(--mantine-color-green-7), var(--mantine-color-green-6))"
          isAnimationActive={false}
        />
        <Bar
          dataKey="failed"
          stackId="ends"
          fill="light-dark(var(--mantine-color-red-7), var(--mantine-color-red-6))"
          radius={[2, 2, 0, 0]}
          isAnimationActive={false}
        />
      </BarChart>
    </ResponsiveContainer>
  )
}

function StepTip({
  step: { at, updated, failed },
  stepSeconds,
}: {
  step: Step
  stepSeconds: number
}) {
  const from = new Date(at)
  const until = new Date(from.getTime() + stepSeconds * 1000)
  return (
    <div className="tip">
      <div className="quiet">
        {exactTime(from)} to {hour.format(until)}
      </div>
      <div>{plural(updated, 'device')} updated</div>
      <div>{plural(failed, 'device')} failed</div>
    </div>
  )
}
