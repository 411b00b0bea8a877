import { Group as Line } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMay } from '../../data/session.ts'
import { LinkButton } from '../../parts/link-button.tsx'

/** Leads to a new campaign for that group or channel, for those who may. */
export function NewCampaignFor({ search }: { search: { group: string } | { channel: string } }) {
  const may = useMay()
  if (!may('campaign.write')) return null
  return (
    <Line gap="xs">
      <LinkButton
        to="/campaigns/new"
        search={search}
        variant="default"
        size="xs"
        leftSection={<IconPlus size={14} />}
      >
        New campaign for it
      </LinkButton>
    </Line>
  )
}
