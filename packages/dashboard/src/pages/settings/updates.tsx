/** How patient and how fast this tenant's updates are, and how long they are remembered. */
import { Button, Group, NumberInput, Skeleton, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { limitsOf, TENANT_SETTING_NAMES, TENANT_SETTINGS, type TenantSetting } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { read } from '../../data/queries.ts'
import { useMay } from '../../data/session.ts'
import { Trouble } from '../../parts/trouble.tsx'
import { counted } from '../../words/numbers.ts'

type Draft = Partial<Record<TenantSetting, number | null>>

const LABELS: Readonly<Record<TenantSetting, string>> = {
  silenceDeadlineSeconds: 'Silence deadline',
  maxRetries: 'Retries',
  pacePackSize: 'Pack size',
  paceIntervalMs: 'Pack interval',
  retentionDays: 'History',
}

const UNITS: Readonly<Partial<Record<TenantSetting, string>>> = {
  silenceDeadlineSeconds: ' s',
  paceIntervalMs: ' ms',
  retentionDays: ' days',
}

export function Updates() {
  const settings = useQuery(read('settings', 'showSettings', {}))
  const may = useMay()
  const [draft, setDraft] = useState<Draft>({})
  const save = useChange('changeSettings', { touches: ['settings'], done: 'Changed.' })
  if (settings.error) return <Trouble error={settings.error} />
  if (!settings.data) return <Skeleton height={240} />
  const { own, ofServer } = settings.data
  const isChanged = Object.keys(draft).length > 0
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate({ body: draft }, { onSuccess: () => setDraft({}) })
      }}
    >
      <Stack>
        {TENANT_SETTING_NAMES.map((name) => {
          const value = name in draft ? draft[name] : own[name]
          return (
            <NumberInput
              key={name}
              label={LABELS[name]}
              description={`${sentence(TENANT_SETTINGS[name].meaning)} ${limitsOf(name)}.`}
              placeholder={`${counted(ofServer[name])}${UNITS[name] ?? ''}, as the server has it`}
              suffix={UNITS[name]}
              value={value ?? ''}
              onChange={(text) => setDraft({ ...draft, [name]: text === '' ? null : Number(text) })}
              allowDecimal={false}
              allowNegative={false}
              thousandSeparator=","
              disabled={!may('settings.write')}
            />
          )
        })}
        {may('settings.write') && (
          <Group justify="flex-end" gap="xs">
            {isChanged && (
              <Button variant="default" onClick={() => setDraft({})}>
                Leave it
              </Button>
            )}
            <Button type="submit" disabled={!isChanged} loading={save.isPending}>
              Change
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  )
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
