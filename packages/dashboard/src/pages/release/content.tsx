/** What devices install: a file of this person's, on its way or still to be chosen, or one kept elsewhere. */
import { Button, FileButton, NumberInput, SegmentedControl, Stack, TextInput } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { type UploadControl, useUploadState } from '../../data/upload.ts'
import type { Refusal } from './add.tsx'
import type { Draft } from './draft.ts'
import { Uploading } from './uploading.tsx'

export function ReleaseContent({
  draft,
  upload,
  refusal,
  onFile,
  onChange,
}: {
  draft: Pick<Draft, 'source' | 'url' | 'sizeBytes'>
  upload: UploadControl
  refusal: Refusal | null
  onFile: (file: File) => void
  onChange: (to: Partial<Pick<Draft, 'source' | 'url' | 'sizeBytes'>>) => void
}) {
  const file = useUploadState(upload, (state) => state?.file)
  return (
    <Stack gap="sm">
      <SegmentedControl
        fullWidth
        aria-label="Where the file is"
        data={[
          { value: 'file', label: 'A file of yours' },
          { value: 'url', label: 'A file kept elsewhere' },
        ]}
        value={draft.source}
        onChange={(source) => onChange({ source: source as Draft['source'] })}
      />
      {draft.source === 'file' ? (
        file ? (
          <Uploading upload={upload} />
        ) : (
          <FileDrop onFile={onFile} />
        )
      ) : (
        <div className="add-pair add-pair-wide">
          <TextInput
            label="URL"
            description="Devices fetch it from there themselves."
            placeholder="https://files.example/app-1.4.0.bin"
            inputMode="url"
            value={draft.url}
            onChange={(event) => onChange({ url: event.currentTarget.value })}
            error={refusal?.field === 'url' && refusal.message}
            required
          />
          <NumberInput
            label="Size"
            description="If you know it."
            suffix=" bytes"
            value={draft.sizeBytes ?? ''}
            onChange={(value) => onChange({ sizeBytes: value === '' ? null : Number(value) })}
            allowDecimal={false}
            allowNegative={false}
            thousandSeparator=","
            hideControls
          />
        </div>
      )}
    </Stack>
  )
}

const FileDrop = ({ onFile }: { onFile: (file: File) => void }) => (
  <div className="add-drop">
    <IconUpload size={24} stroke={1.5} aria-hidden />
    <div>
      <span className="add-drop-hint">Drop a file anywhere here, or </span>
      <FileButton onChange={(file) => file && onFile(file)}>
        {(props) => (
          <Button {...props} variant="default" size="xs" data-autofocus>
            Choose a file
          </Button>
        )}
      </FileButton>
    </div>
    <div className="quiet">
      It may be as large as it likes, and goes on where it was if the connection breaks.
    </div>
  </div>
)
