/** How a campaign goes about it. What stands there already is sensible; each setting says what it does. */
import {
  Alert,
  Button,
  Checkbox,
  Collapse,
  Group,
  NumberInput,
  Radio,
  SimpleGrid,
  Stack,
  Switch,
  TextInput,
} from '@mantine/core'
import { LARGE_CAMPAIGN } from '@updraft/core'
import { DurationField } from '../../parts/duration-field.tsx'
import { UrgencyField } from '../../parts/handling-field.tsx'
import { Section } from '../../parts/section.tsx'
import { WindowsField } from '../../parts/windows-field.tsx'
import { type Draft, PRESETS, type WaveChoice, withPreset } from './draft.ts'
import { WavesEditor } from './waves-editor.tsx'

type Settings = Draft['settings']

export function How({
  draft,
  mistake,
  onChange,
}: {
  draft: Draft
  mistake: string | null
  onChange: (to: Partial<Draft>) => void
}) {
  const { settings, waveChoice, waves, scheduledAt } = draft
  const set = (to: Partial<Settings>) => onChange({ settings: { ...settings, ...to } })
  return (
    <Stack gap="md">
      <Group gap="xs" role="group" aria-label="Begin from">
        <span className="quiet">Fill in</span>
        {Object.values(PRESETS).map((preset) => (
          <Button
            key={preset.label}
            size="xs"
            variant="default"
            onClick={() => onChange(withPreset(draft, preset))}
          >
            {preset.label}
          </Button>
        ))}
      </Group>
      <Section title="When" isCard>
        <Stack>
          <TextInput
            type="datetime-local"
            label="Begins"
            description="Left empty, it begins at once. Until it begins it can be changed."
            value={scheduledAt}
            onChange={(event) => onChange({ scheduledAt: event.currentTarget.value })}
            className="short-field"
          />
          <WindowsField
            description="When devices may be asked; what has begun goes on after it closes. Empty for any time."
            value={settings.windows}
            onChange={(windows) => set({ windows })}
          />
          <UrgencyField value={settings} onChange={set} />
        </Stack>
      </Section>
      <Section title="In waves" isCard>
        <Stack>
          <Radio.Group
            aria-label="In waves"
            value={waveChoice}
            onChange={(to) => onChange({ waveChoice: to as WaveChoice })}
          >
            <Stack gap="xs">
              <Radio
                value="automatic"
                label="One device goes first"
                description={`From ${LARGE_CAMPAIGN} devices on; the rest follows when it is updated.`}
              />
              <Radio value="own" label="Waves of your own" />
              <Radio value="none" label="All at once" />
            </Stack>
          </Radio.Group>
          {waveChoice === 'own' && (
            <WavesEditor waves={waves} onChange={(to) => onChange({ waves: to })} />
          )}
          <NumberInput
            label="Devices at a time"
            description="So many are asked and not yet done, all waves together."
            value={settings.maxInProgress}
            onChange={(value) => set({ maxInProgress: Number(value) })}
            min={1}
            className="short-field"
          />
        </Stack>
      </Section>
      <Section title="When it goes wrong" isCard>
        <Stack>
          <NumberInput
            label="Failures of all devices"
            description="When more have failed the campaign stops. 0 stops at the first, 100 never."
            value={settings.maxFailurePercentage}
            onChange={(value) => set({ maxFailurePercentage: Number(value) })}
            min={0}
            max={100}
            suffix=" %"
            className="short-field"
          />
          <StopRule settings={settings} onChange={set} />
          <Switch
            label="Roll back when it stops"
            description="When it stops by itself, devices it has updated go back to what they had."
            checked={settings.rollsBackOnStop}
            onChange={(event) => set({ rollsBackOnStop: event.currentTarget.checked })}
          />
        </Stack>
      </Section>
      <Section title="Devices that say nothing" isCard>
        <Stack>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <DurationField
              label="Asked again after"
              seconds={settings.requestTimeoutSeconds}
              onChange={(requestTimeoutSeconds) => set({ requestTimeoutSeconds })}
            />
            <NumberInput
              label="Times"
              value={settings.requestRetries}
              onChange={(value) => set({ requestRetries: Number(value) })}
              min={0}
            />
          </SimpleGrid>
          <Checkbox
            label="One that has begun fails after a time without word"
            checked={settings.progressTimeoutSeconds !== null}
            onChange={(event) =>
              set({ progressTimeoutSeconds: event.currentTarget.checked ? 172_800 : null })
            }
          />
          {settings.progressTimeoutSeconds !== null && (
            <DurationField
              label="Without word for"
              seconds={settings.progressTimeoutSeconds}
              onChange={(progressTimeoutSeconds) => set({ progressTimeoutSeconds })}
            />
          )}
        </Stack>
      </Section>
      <Section title="Whom else" isCard>
        <Stack>
          <Switch
            label="Newcomers join"
            description="Devices that come to belong to it later are asked too, in its last wave."
            checked={settings.isDynamic}
            onChange={(event) => set({ isDynamic: event.currentTarget.checked })}
          />
          <Switch
            label="Force downgrade"
            description="Also over newer versions. It also lifts the release's version requirement: devices are asked that it says it may not start from."
            checked={settings.forceDowngrade}
            onChange={(event) => set({ forceDowngrade: event.currentTarget.checked })}
          />
          <TextInput
            label="Attribute with a device's own windows"
            description="Written like those above; a device with that attribute is asked in its own windows only."
            value={settings.windowAttribute ?? ''}
            onChange={(event) => set({ windowAttribute: event.currentTarget.value || null })}
            maxLength={255}
          />
        </Stack>
      </Section>
      {mistake && (
        <Alert color="red" role="alert">
          {mistake}
        </Alert>
      )}
    </Stack>
  )
}

const RULE = { failurePercentage: 10, minFinished: 10 }

function StopRule({
  settings: { stopRule },
  onChange,
}: {
  settings: Settings
  onChange: (to: Partial<Settings>) => void
}) {
  return (
    <div>
      <Checkbox
        label="Stop early"
        description="Looks at those that have ended only, so that a bad release stops long before it has reached everybody."
        checked={stopRule !== null}
        onChange={(event) => onChange({ stopRule: event.currentTarget.checked ? RULE : null })}
      />
      <Collapse expanded={stopRule !== null}>
        <SimpleGrid cols={{ base: 1, sm: 2 }} pt="sm" pl={{ base: 0, sm: 30 }}>
          <NumberInput
            label="Failed among them"
            value={(stopRule ?? RULE).failurePercentage}
            onChange={(value) =>
              onChange({ stopRule: { ...(stopRule ?? RULE), failurePercentage: Number(value) } })
            }
            min={0}
            max={100}
            suffix=" %"
          />
          <NumberInput
            label="Once so many have ended"
            value={(stopRule ?? RULE).minFinished}
            onChange={(value) =>
              onChange({ stopRule: { ...(stopRule ?? RULE), minFinished: Number(value) } })
            }
            min={1}
          />
        </SimpleGrid>
      </Collapse>
    </div>
  )
}
