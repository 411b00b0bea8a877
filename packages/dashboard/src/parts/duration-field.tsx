/** A span of time, in the largest unit that says it in whole numbers. */
import { Group, NumberInput, Select } from '@mantine/core'
import { useState } from 'react'

const UNITS = [
  ['d', 86_400, 'days'],
  ['h', 3_600, 'hours'],
  ['min', 60, 'minutes'],
  ['s', 1, 'seconds'],
] as const
type Unit = (typeof UNITS)[number][0]

const unitOf = (seconds: number): Unit =>
  seconds === 0 ? 'min' : (UNITS.find(([, size]) => seconds % size === 0)?.[0] ?? 's')
const sizeOf = (unit: Unit): number => UNITS.find(([name]) => name === unit)?.[1] ?? 1

export function DurationField({
  label,
  description,
  seconds,
  onChange,
  size,
}: {
  label: string
  description?: string
  seconds: number
  onChange: (seconds: number) => void
  size?: 'xs' | 'sm'
}) {
  const [unit, setUnit] = useState<Unit>(() => unitOf(seconds))
  return (
    <Group gap={6} align="flex-end" wrap="nowrap">
      <NumberInput
        label={label}
        description={description}
        value={seconds / sizeOf(unit)}
        onChange={(value) => onChange(Math.round(Number(value) * sizeOf(unit)))}
        min={0}
        size={size}
        flex={1}
      />
      <Select
        aria-label={`${label}: unit`}
        data={UNITS.map(([value, , name]) => ({ value, label: name }))}
        value={unit}
        onChange={(value) => {
          if (value === null) return
          const wanted = value as Unit
          onChange((seconds / sizeOf(unit)) * sizeOf(wanted))
          setUnit(wanted)
        }}
        allowDeselect={false}
        size={size}
        w={104}
      />
    </Group>
  )
}
