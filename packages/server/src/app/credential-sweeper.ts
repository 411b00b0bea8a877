/** Takes back credentials whose time is over, so that sessions opened with them end and their names are free again. */
import { SERVER } from '@updraft/core'
import type { Clock, CredentialSweep, OverCredential, UnitOfWork } from './ports.ts'
import { type Rounds, rounds } from './rounds.ts'

const EVERY_MS = 30_000
const PAGE_SIZE = 500

export interface CredentialSweeper extends Pick<Rounds, 'start' | 'stop'> {
  /** One sweep, now. */
  sweep(): Promise<void>
}

export function credentialSweeper({
  clock,
  sweep: records,
  unitOfWork,
  onError,
}: {
  clock: Clock
  sweep: CredentialSweep
  unitOfWork: UnitOfWork
  onError: (error: unknown) => void
}): CredentialSweeper {
  const takeBack = ({ tenantId, deviceId, credential: { id, kind } }: OverCredential) =>
    unitOfWork({ tenantId, customerId: null }, async ({ credentials, devices, events }) => {
      // Another server may have been here, or the device is gone.
      if ((await credentials.remove(deviceId, [id])) === 0) return
      const { name } = (await devices.get(deviceId)).snapshot.device
      await events.append([
        {
          kind: 'device.credential-removed',
          at: clock.now(),
          actor: SERVER,
          subject: { kind: 'device', id: deviceId, name },
          deviceId,
          data: { credential: id, kind, isOver: true },
        },
      ])
    })

  const sweep = async () => {
    for (;;) {
      const over = await records.over(clock.now(), PAGE_SIZE)
      for (const each of over) {
        if (sweeping.isStopped) return
        await takeBack(each)
      }
      if (over.length < PAGE_SIZE) return
    }
  }

  const sweeping = rounds({ everyMs: EVERY_MS, work: sweep, onError })
  return { sweep, start: sweeping.start, stop: sweeping.stop }
}
