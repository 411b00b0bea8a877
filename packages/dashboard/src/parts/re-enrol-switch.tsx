import { Switch } from '@mantine/core'
import { plural } from '../words/numbers.ts'

/** Whether it goes on to where it was told when it registered, and follows to that cloud only when it does so anew. */
export const mayFollow = (
  device: { registeredAs: string | null; cloudId: string | null },
  cloudId: string | null,
): boolean => device.registeredAs !== null && device.cloudId !== cloudId

/** Offered where the cloud of devices is changed that registered by themselves. */
export function ReEnrolSwitch({
  count,
  checked,
  onChange,
}: {
  /** So many of them did. */
  count: number
  checked: boolean
  onChange: (isToReEnrol: boolean) => void
}) {
  return (
    <Switch
      label={`Re-enrol ${plural(count, 'device')} that registered`}
      description={
        checked
          ? 'So that agents follow: their tokens are taken back, they register anew at their next contact, and are told the new address with new tokens.'
          : 'Agents go on to the address they were told when they registered.'
      }
      checked={checked}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  )
}
