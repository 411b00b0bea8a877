import { Button } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { read } from '../data/queries.ts'
import { saveAs } from '../data/save.ts'

/** The certificate of the authority that signs those of devices, as a file. */
export function DeviceAuthority() {
  const { data } = useQuery(read('realm', 'showDeviceAuthority', {}))
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconDownload size={14} />}
      disabled={!data}
      onClick={() =>
        data && saveAs('device-authority.pem', data.certificate, 'application/x-pem-file')
      }
    >
      device-authority.pem
    </Button>
  )
}
