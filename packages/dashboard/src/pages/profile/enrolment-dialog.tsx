/** Lets devices of a profile enrol themselves, or changes how they may. */
import { Radio, Stack, Switch, Text, TextInput } from '@mantine/core'
import type { Output } from '@updraft/api/client'
import { PROVISIONING_STRATEGIES, type ProvisioningStrategy } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { STRATEGIES } from '../../words/enrolment.ts'
import type { ProfileData } from '../profile.tsx'

export function EnrolmentDialog({
  profile: { id, name, provisioning },
  onMade,
  onClose,
}: {
  profile: ProfileData
  onMade: (made: Output<'enableProvisioning'>) => void
  onClose: () => void
}) {
  const [strategy, setStrategy] = useState<ProvisioningStrategy>(
    provisioning?.strategy ?? 'create-new',
  )
  const [key, setKey] = useState(provisioning?.key ?? '')
  const [claimsAtOnce, setClaimsAtOnce] = useState(provisioning?.claimsAtOnce ?? false)
  const enable = useChange('enableProvisioning', { touches: ['profiles'] })
  const body = { strategy, claimsAtOnce, ...(key.trim() && { key: key.trim() }) }
  return (
    <Dialog
      title={provisioning ? `How devices of ${name} enrol` : `Let devices of ${name} enrol`}
      verb={provisioning ? 'Change' : 'Allow it'}
      isBusy={enable.isPending}
      onSubmit={() => enable.mutate({ params: { id }, body }, { onSuccess: onMade })}
      onClose={onClose}
    >
      <Radio.Group
        label="With key and secret"
        value={strategy}
        onChange={(chosen) => setStrategy(chosen as ProvisioningStrategy)}
      >
        <Stack gap={6} mt={6}>
          {PROVISIONING_STRATEGIES.map((each) => (
            <Radio key={each} value={each} label={STRATEGIES[each]} />
          ))}
        </Stack>
      </Radio.Group>
      <Switch
        label="Claim devices at once"
        description="Those that register with the key alone (Ioto) become devices by themselves. Whoever knows the key can add some. Otherwise they wait to be claimed."
        checked={claimsAtOnce}
        onChange={(event) => setClaimsAtOnce(event.currentTarget.checked)}
      />
      <TextInput
        label="Key"
        description="What stands in the firmware already. Empty: made up."
        classNames={{ input: 'mono' }}
        value={key}
        onChange={(event) => setKey(event.currentTarget.value)}
      />
      {provisioning && (
        <Text size="sm" className="quiet">
          A new secret is made, and the one of before ends. Devices that know the key alone do not
          notice.
        </Text>
      )}
    </Dialog>
  )
}
