/** How many devices may be offered it, and how fast. Nothing filled in limits nothing. */
import { NumberInput, SimpleGrid, Stack } from '@mantine/core'
import type { PolicyLimits } from '@updraft/api/shapes'
import { DurationField } from '../../parts/duration-field.tsx'
import { plural } from '../../words/numbers.ts'
import { limitOf, USUAL_PERIOD_SECONDS, withRate } from './draft.ts'

const NONE = 'no limit'

export function LimitsFields({
  limits,
  population,
  onChange,
}: {
  limits: PolicyLimits
  /** Devices in question now, when known. */
  population: number | undefined
  onChange: (limits: PolicyLimits) => void
}) {
  const { maxDevices, percentage, rate, periodSeconds } = limits
  const share =
    percentage === null || population === undefined
      ? null
      : Math.ceil((population * percentage) / 100)
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <NumberInput
          label="Devices altogether"
          description="Each counts once, however often it asks."
          placeholder={NONE}
          value={maxDevices ?? ''}
          onChange={(value) => onChange({ ...limits, maxDevices: limitOf(value) })}
          min={1}
          allowDecimal={false}
          thousandSeparator=","
        />
        <NumberInput
          label="Share of the devices"
          description={
            share === null
              ? 'Of the profile, and of the clouds.'
              : `Of the profile, and of the clouds: ${plural(share, 'device')} now.`
          }
          placeholder={NONE}
          value={percentage ?? ''}
          onChange={(value) => onChange({ ...limits, percentage: limitOf(value) })}
          min={0.01}
          max={100}
          suffix=" %"
        />
        <NumberInput
          label="Devices in a period"
          placeholder={NONE}
          value={rate ?? ''}
          onChange={(value) => onChange(withRate(limits, limitOf(value)))}
          min={1}
          allowDecimal={false}
          thousandSeparator=","
        />
        {rate !== null && (
          <DurationField
            label="Period"
            seconds={periodSeconds ?? USUAL_PERIOD_SECONDS}
            onChange={(seconds) => onChange({ ...limits, periodSeconds: Math.max(1, seconds) })}
          />
        )}
      </SimpleGrid>
    </Stack>
  )
}
