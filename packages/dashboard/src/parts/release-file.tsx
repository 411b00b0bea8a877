/** The file of a release: where it is, what it must add up to, and a way to have it. */
import { Button } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { type Output, urlOf } from '@updraft/api/client'
import { ROUTES } from '@updraft/api/routes'
import { useMay } from '../data/session.ts'
import { Copyable } from './copyable.tsx'

type Release = Output<'showRelease'>

/** A little of a long checksum: enough to compare at a glance. */
const SHOWN_DIGITS = 16

/** Nothing for a file that is kept elsewhere: its URL says where. */
export function DownloadRelease({ release: { id, url } }: { release: Release }) {
  const may = useMay()
  if (url !== null || !may('release.download')) return null
  return (
    <Button
      component="a"
      href={urlOf(ROUTES.downloadRelease, { id })}
      download
      size="xs"
      variant="default"
      leftSection={<IconDownload size={14} />}
    >
      Download
    </Button>
  )
}

export function FileName({ release: { url, fileName } }: { release: Release }) {
  if (url === null) return fileName ?? <span className="quiet">unnamed</span>
  return <Copyable text={url} what="URL" />
}

export function Checksum({ release: { checksum, checksumAlgorithm } }: { release: Release }) {
  if (checksum === null) return <span className="quiet">none</span>
  const short =
    checksum.length > 2 * SHOWN_DIGITS ? `${checksum.slice(0, SHOWN_DIGITS)}…` : checksum
  return (
    <>
      {checksumAlgorithm} <Copyable text={checksum} short={short} what="checksum" />
    </>
  )
}
