/** Adds the devices of a CSV file: which lines are devices is seen before, what the server made of them after. */
import { Alert, Button, Code, FileButton, Group, Modal, Stack, Text } from '@mantine/core'
import { IconFileSpreadsheet } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { csvLine } from '@updraft/api/csv'
import { useState } from 'react'
import { type Added, addDevices, type Checked, checkFile } from '../../data/device-import.ts'
import { useStay } from '../../data/job.ts'
import { saveAs } from '../../data/save.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { counted, plural } from '../../words/numbers.ts'
import { ImportLines, Mistakes } from './import-lines.tsx'

export function ImportDevices({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const [file, setFile] = useState<Checked | null>(null)
  const [trouble, setTrouble] = useState<unknown>(null)
  const [count, setCount] = useState<number | null>(null)
  const [added, setAdded] = useState<Added | null>(null)
  const [stopping] = useState(() => new AbortController())

  const isBusy = count !== null && added === null
  useStay(isBusy)

  const take = async (chosen: File | null) => {
    if (!chosen) return
    setFile(null)
    setTrouble(null)
    await checkFile(chosen).then(setFile, setTrouble)
  }
  const add = async ({ devices }: Checked) => {
    setCount(0)
    setAdded(await addDevices(devices, { onProgress: setCount, signal: stopping.signal }))
    await queries.invalidateQueries()
  }
  // What was added, and the tokens made up for it, are told in any case.
  const close = () => (isBusy ? stopping.abort() : onClose())

  if (added) return <Outcome added={added} onClose={close} />
  const devices = file?.devices.length ?? 0
  return (
    <Dialog
      title="Import devices"
      verb={file ? `Add ${plural(devices, 'device')}` : 'Add the devices'}
      size={720}
      closeOnClickOutside={file === null}
      isBusy={isBusy}
      isIncomplete={devices === 0}
      isVerbFirst={file !== null}
      note={
        isBusy ? (
          <Text size="sm" className="quiet figure" role="status">
            {counted(count)} of {counted(devices)}
          </Text>
        ) : (
          file &&
          file.mistakes.length > 0 && (
            <Text size="sm" className="quiet">
              Lines that are no device are left out.
            </Text>
          )
        )
      }
      onSubmit={() => file && !isBusy && void add(file)}
      onClose={close}
    >
      <Group gap="sm">
        <FileButton accept=".csv,text/csv" onChange={(chosen) => void take(chosen)}>
          {(props) => (
            <Button
              {...props}
              variant="default"
              leftSection={<IconFileSpreadsheet size={16} />}
              disabled={isBusy}
              data-autofocus={file === null || undefined}
            >
              {file ? 'Another file' : 'Choose a CSV file'}
            </Button>
          )}
        </FileButton>
        {file && <Text size="sm">{file.name}</Text>}
      </Group>
      {file === null && trouble === null && <Format />}
      {trouble !== null && <Trouble error={trouble} />}
      {file && <ImportLines file={file} />}
    </Dialog>
  )
}

const Format = () => (
  <Text size="sm" component="div" className="quiet">
    Its first line names the columns: <Code>name</Code> and <Code>profile</Code>, and any of{' '}
    <Code>token</Code>, <Code>client id</Code>, <Code>user name</Code>, <Code>password</Code>,{' '}
    <Code>certificate</Code>, <Code>gateway</Code>, <Code>labels</Code>. ThingsBoard's names for
    them are known too. A device without a credential is given a token.
  </Text>
)

function Outcome({ added, onClose }: { added: Added; onClose: () => void }) {
  const { devices, refused, left, trouble } = added
  const madeUp = devices.filter(({ isTokenMadeUp }) => isTokenMadeUp)
  return (
    <Modal
      opened
      onClose={onClose}
      title="Import devices"
      size={720}
      closeOnClickOutside={madeUp.length === 0}
      closeOnEscape={madeUp.length === 0}
    >
      <Stack>
        {devices.length > 0 && (
          <Alert color="green">
            Added {plural(devices.length, 'device')}.
            {madeUp.length > 0 &&
              ' The tokens made up for them are shown this once: keep them now.'}
          </Alert>
        )}
        {trouble !== null && <Trouble error={trouble} />}
        {refused.length > 0 && (
          <>
            <Text size="sm" fw={600}>
              {plural(refused.length, 'line')} the server refused
            </Text>
            <Mistakes mistakes={refused} />
          </>
        )}
        {left > 0 && (
          <Text size="sm" className="quiet">
            {plural(left, 'line')} not added. Take those that were out of the file before you import
            it again.
          </Text>
        )}
        <Group justify="flex-end" gap="xs">
          {madeUp.length > 0 && (
            <Button variant="default" onClick={() => saveAs('tokens.csv', tokensCsv(madeUp))}>
              Download the tokens
            </Button>
          )}
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    </Modal>
  )
}

/** As `updraft device import` prints them. */
const tokensCsv = (devices: Added['devices']): string =>
  [['name', 'token'], ...devices.map(({ name, token }) => [name, token ?? ''])]
    .map(csvLine)
    .join('')
