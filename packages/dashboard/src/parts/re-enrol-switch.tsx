import { Switch } from '@mantine/core'
import { plural } from '../words/numbers.ts'

/** Whether it goes on to where it was told when it registered, and follows to that cloud only when it does so anew. */
export const mayFollow = (
  device: { registeredAs: string | null; cloudId: string | null },
  cloudId: string | null,
): boolean => device.registeredAs !== null && device.cloudId !== cloudId

/** Offered where the cloud of devices is changed that registered by themselves. */
export function ReEnrolSwitch({
  of,
  checked,
  onChange,
}: {
  /** How many of those that are changed did; 'it' where there is but one. */
  of: number | 'it'
  checked: boolean
  onChange: (isToReEnrol: boolean) => void
}) {
  return (
    <Switch
      label={
        of === 'it'
          ? 'Re-enrol it, so that its agent follows'
          : `Re-enrol ${plural(of, 'device')} that registered, so that agents follow`
      }
      description={
        checked
          ? 'The token is taken back. At its next contact the device registers anew, and is told the new address with a new token.'
          : 'The agent goes on to the address it was told when it registered.'
      }
      checked={checked}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  )
}
