/** Which device a target is. */
import type { Device } from '@updraft/api/shapes'
import { DomainError } from '@updraft/core'
import type { Asked } from './asked.ts'

/** A target goes by the device's name. Refuses with device.unknown. */
export async function deviceOf({ asks }: Asked, controllerId: string): Promise<Device> {
  const { items } = await asks.ask('listDevices', { query: { name: controllerId } })
  const [device] = items
  if (device) return device
  throw new DomainError('device.unknown', `There is no target "${controllerId.slice(0, 256)}".`)
}
