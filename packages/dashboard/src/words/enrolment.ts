import type { ProvisioningStrategy } from '@updraft/core'

/** Which devices may enrol themselves. */
export const STRATEGIES: Readonly<Record<ProvisioningStrategy, string>> = {
  'create-new': 'Devices that are not known are added',
  'check-pre-provisioned': 'Devices that were added enrol, once each',
}
