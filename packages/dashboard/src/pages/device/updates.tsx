/** All that happened to a device, and the campaigns it belongs to. */
import { useMay } from '../../data/session.ts'
import { CampaignLines } from '../../parts/campaign-lines.tsx'
import { Section } from '../../parts/section.tsx'
import type { DeviceData } from '../device.tsx'
import { History } from './history.tsx'

export function Updates({ device }: { device: DeviceData }) {
  const may = useMay()
  return (
    <>
      <Section title="History">
        <History device={device} />
      </Section>
      {may('campaign.read') && (
        <Section title="Campaigns">
          <CampaignLines query={{ deviceId: device.id }} none="It belongs to none." />
        </Section>
      )}
    </>
  )
}
