import { IconMapOff } from '@tabler/icons-react'
import { Empty } from '../parts/empty.tsx'
import { LinkButton } from '../parts/link-button.tsx'

export const NotFound = () => (
  <Empty
    Icon={IconMapOff}
    title="There is nothing at this address"
    action={
      <LinkButton to="/" variant="default">
        To the overview
      </LinkButton>
    }
  />
)
