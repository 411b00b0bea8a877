/** The only thing of a release that can be changed. */
import { Button, Group, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { useMay } from '../../data/session.ts'
import { Section } from '../../parts/section.tsx'
import type { ReleaseData } from '../release.tsx'

export function ReleaseDescription({ release }: { release: ReleaseData }) {
  const may = useMay()
  const [text, setText] = useState<string | null>(null)
  const change = useChange('changeRelease', { touches: ['releases'] })
  const save = () =>
    change.mutate(
      { params: { id: release.id }, body: { description: text?.trim() || null } },
      { onSuccess: () => setText(null) },
    )
  return (
    <Section
      title="Description"
      aside={
        may('release.write') &&
        text === null && (
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            onClick={() => setText(release.description ?? '')}
          >
            Change
          </Button>
        )
      }
    >
      {text === null ? (
        <p className={release.description ? 'description' : 'quiet'}>
          {release.description ?? 'Nothing is said of it.'}
        </p>
      ) : (
        <>
          <Textarea
            aria-label="Description"
            autosize
            minRows={3}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Group justify="flex-end" gap="xs" mt="xs">
            <Button size="xs" variant="default" onClick={() => setText(null)}>
              Leave it
            </Button>
            <Button size="xs" loading={change.isPending} onClick={save}>
              Change
            </Button>
          </Group>
        </>
      )}
    </Section>
  )
}
