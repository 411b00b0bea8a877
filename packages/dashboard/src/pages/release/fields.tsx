/** What a package is called, whom it is for, and the rest that few need under "More". */
import { Autocomplete, Button, Collapse, Select, Stack, Textarea, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconAlertTriangle, IconChevronDown } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, KNOWN_COMPONENT_TYPES } from '@updraft/core'
import { read } from '../../data/queries.ts'
import type { Refusal } from './add.tsx'
import { cautionOfChecksum, cautionOfTitle } from './cautions.ts'
import { type Draft, type Field, tagOf } from './draft.ts'
import { NeedsFields } from './needs-fields.tsx'

const UNDER_MORE: readonly (Field | null)[] = ['tag', 'requirement', 'needs', 'checksum']

export function ReleaseFields({
  draft,
  refusal,
  onChange,
}: {
  draft: Draft
  refusal: Refusal | null
  onChange: (to: Partial<Draft>) => void
}) {
  const profiles = useQuery(read('profiles', 'listProfiles', { query: { limit: 500 } }))
  const [isMore, more] = useDisclosure()
  const isOpen = isMore || UNDER_MORE.includes(refusal?.field ?? null)
  const names = (profiles.data?.items ?? []).map(({ name }) => name)
  const errorOf = (field: Field) => refusal?.field === field && refusal.message
  const text = (field: Exclude<Field, 'profile' | 'needs'>) => ({
    value: draft[field] ?? '',
    onChange: (event: { currentTarget: { value: string } }) =>
      onChange({ [field]: event.currentTarget.value }),
    error: errorOf(field),
  })
  return (
    <>
      <div className="add-pair">
        <div>
          <TextInput label="Title" maxLength={255} required {...text('title')} />
          <Caution text={cautionOfTitle(draft.title)} />
        </div>
        <TextInput label="Version" maxLength={255} required {...text('version')} />
      </div>
      <div className="add-pair">
        <Select
          label="Profile"
          placeholder={
            profiles.data && names.length === 0 ? 'There is none yet' : 'The devices it is made for'
          }
          data={names}
          value={draft.profile}
          onChange={(profile) => onChange({ profile })}
          error={errorOf('profile')}
          searchable
          required
        />
        <Autocomplete
          label="Type"
          data={[...KNOWN_COMPONENT_TYPES.slice(0, 2)]}
          value={draft.type}
          onChange={(type) => onChange({ type })}
          error={errorOf('type')}
          required
        />
      </div>
      <Textarea
        label="Description"
        placeholder="What is new. It can be changed later."
        autosize
        minRows={2}
        maxRows={8}
        {...text('description')}
      />
      <div>
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          ml={-8}
          onClick={more.toggle}
          aria-expanded={isOpen}
          leftSection={
            <IconChevronDown size={16} className="add-more-mark" data-open={isOpen || undefined} />
          }
        >
          More
        </Button>
        <Collapse expanded={isOpen}>
          <Stack gap="md" pt="sm">
            <TextInput
              label="Tag"
              description="Some devices show it instead of title and version."
              maxLength={255}
              {...text('tag')}
              value={tagOf(draft)}
            />
            <TextInput
              label="Starts from"
              description="Only devices that run such a version are updated; empty for any."
              placeholder="~> 2.0 and >= 2.1.3"
              {...text('requirement')}
            />
            <NeedsFields
              needs={draft.needs}
              error={errorOf('needs')}
              onChange={(needs) => onChange({ needs })}
            />
            <div className="add-pair add-pair-checksum">
              <Select
                label="Checksum"
                data={[...CHECKSUM_ALGORITHMS]}
                value={draft.algorithm}
                onChange={(value) => onChange({ algorithm: value as ChecksumAlgorithm })}
                allowDeselect={false}
              />
              <TextInput
                label="Its value"
                placeholder={draft.source === 'file' ? 'Made by the server' : 'None'}
                classNames={draft.checksum ? { input: 'mono' } : undefined}
                maxLength={128}
                {...text('checksum')}
              />
            </div>
            <div className="add-under">
              <Caution text={cautionOfChecksum(draft.algorithm)} />
              <div className="quiet">
                {draft.source === 'file'
                  ? 'Give a value, and the file is refused if it has another.'
                  : 'Devices compare it with what they fetched. Without one they cannot.'}
              </div>
            </div>
          </Stack>
        </Collapse>
      </div>
    </>
  )
}

export const Caution = ({ text }: { text: string | null }) =>
  text && (
    <div className="add-caution look" data-look="NEEDS_ATTENTION" role="status">
      <IconAlertTriangle size={14} aria-hidden />
      {text}
    </div>
  )
