import { Modal } from '@mantine/core'

export const AddRelease = ({ onClose }: { onClose: () => void }) => (
  <Modal opened onClose={onClose} title="Add a package">
    {null}
  </Modal>
)
