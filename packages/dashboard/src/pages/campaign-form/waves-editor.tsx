/** The waves of a campaign to be: how large each is, and what must be true before the next one begins. */
import { ActionIcon, Button, Group, NumberInput, Select, Switch, Tooltip } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import type { WaveSettings } from '@updraft/core'
import { DurationField } from '../../parts/duration-field.tsx'
import { NEW_WAVE } from './draft.ts'

export function WavesEditor({
  waves,
  onChange,
}: {
  waves: readonly WaveSettings[]
  onChange: (waves: readonly WaveSettings[]) => void
}) {
  return (
    <div>
      <ol className="waves-editor">
        {waves.map((wave, index) => (
          <Row
            // biome-ignore lint/suspicious/noArrayIndexKey: a wave is its number
            key={index}
            number={index + 1}
            wave={wave}
            onChange={(to) => onChange(waves.with(index, { ...wave, ...to }))}
            onRemove={
              waves.length > 1
                ? () => onChange(waves.filter((_, other) => other !== index))
                : undefined
            }
          />
        ))}
        <li className="quiet">All others come after these.</li>
      </ol>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconPlus size={14} />}
        onClick={() => onChange([...waves, NEW_WAVE])}
      >
        Add a wave
      </Button>
    </div>
  )
}

function Row({
  number,
  wave: { size, successPercentage, soakSeconds, needsApproval },
  onChange,
  onRemove,
}: {
  number: number
  wave: WaveSettings
  onChange: (to: Partial<WaveSettings>) => void
  onRemove?: () => void
}) {
  const isCount = 'count' in size
  const amount = isCount ? size.count : size.percentage
  const sizeOf = (value: number, asCount: boolean) =>
    asCount ? { count: value } : { percentage: Math.min(100, value) }
  return (
    <li>
      <Group justify="space-between">
        <span className="strong">Wave {number}</span>
        {onRemove && (
          <Tooltip label={`Remove wave ${number}`}>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove wave ${number}`}
              onClick={onRemove}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Tooltip>
        )}
      </Group>
      <div className="waves-editor-fields">
        <Group gap={6} align="flex-end" wrap="nowrap">
          <NumberInput
            label="Size"
            value={amount}
            onChange={(value) => onChange({ size: sizeOf(Number(value), isCount) })}
            min={1}
            flex={1}
          />
          <Select
            aria-label={`Wave ${number}: counted in`}
            data={[
              { value: 'count', label: 'devices' },
              { value: 'percentage', label: '% of all' },
            ]}
            value={isCount ? 'count' : 'percentage'}
            onChange={(unit) => onChange({ size: sizeOf(amount, unit === 'count') })}
            allowDeselect={false}
            w={104}
          />
        </Group>
        <NumberInput
          label="Must be updated"
          value={successPercentage}
          onChange={(value) => onChange({ successPercentage: Number(value) })}
          min={0}
          max={100}
          suffix=" %"
        />
        <DurationField
          label="Then watched for"
          seconds={soakSeconds}
          onChange={(seconds) => onChange({ soakSeconds: seconds })}
        />
      </div>
      <Switch
        label="A person lets the next wave begin"
        checked={needsApproval}
        onChange={(event) => onChange({ needsApproval: event.currentTarget.checked })}
      />
    </li>
  )
}
