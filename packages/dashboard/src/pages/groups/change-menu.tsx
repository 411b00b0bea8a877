import { Menu } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPencil } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { MoreMenu } from '../../parts/more-menu.tsx'

type Removal = NonNullable<Parameters<typeof MoreMenu>[0]['removal']>

/** Changed in a dialog, or removed. */
export function ChangeMenu({
  removal,
  dialog,
}: {
  removal: Removal
  dialog: (close: () => void) => ReactNode
}) {
  const [isEditing, editing] = useDisclosure()
  return (
    <>
      <MoreMenu removal={removal}>
        <Menu.Item leftSection={<IconPencil size={16} />} onClick={editing.open}>
          Change
        </Menu.Item>
      </MoreMenu>
      {isEditing && dialog(editing.close)}
    </>
  )
}
