/** Versions in the field: one bar for each package, its newest version the strongest. */
import { Skeleton, Tooltip } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Output } from '@updraft/api/client'
import { compareVersions } from '@updraft/core'
import { read } from '../../data/queries.ts'
import { counted, plural } from '../../words/numbers.ts'

type Count = Output<'listInstalled'>['items'][number]

const MAX_PACKAGES = 6
/** Versions of one package in strengths of one colour; older than that are one. */
const STRENGTHS = [100, 55, 32, 18]

export function Field() {
  const installed = useQuery(read('overview', 'listInstalled', {}))
  if (installed.isPending) return <Skeleton height={96} />
  const packages = packagesOf(installed.data?.items ?? [])
  if (packages.length === 0) return <p className="quiet">No device has told what it runs.</p>
  return (
    <ul className="field">
      {packages.slice(0, MAX_PACKAGES).map(({ key, title, total, versions }) => (
        <li key={key}>
          <div className="field-head">
            <span>{title}</span>
            <span className="quiet figure">{counted(total)}</span>
          </div>
          <div className="field-bar">
            {versions.map(({ version, devices }, index) => (
              <Tooltip key={version} label={`${version}: ${plural(devices, 'device')}`}>
                <div
                  style={{
                    flexGrow: devices,
                    opacity: (STRENGTHS[index] ?? STRENGTHS.at(-1) ?? 0) / 100,
                  }}
                />
              </Tooltip>
            ))}
          </div>
          <div className="field-versions quiet">
            {versions.slice(0, STRENGTHS.length - 1).map(({ version, devices }) => (
              <span key={version}>
                <span className="mono">{version}</span> {Math.round((100 * devices) / total)} %
              </span>
            ))}
            {versions.length >= STRENGTHS.length && (
              <span>and {versions.length - STRENGTHS.length + 1} older</span>
            )}
          </div>
        </li>
      ))}
    </ul>
  )
}

interface PackageInField {
  readonly key: string
  readonly title: string
  readonly total: number
  /** The newest first. */
  readonly versions: readonly Count[]
}

/** By version; what is none, by its text. */
const newestFirst = (a: Count, b: Count): number =>
  compareVersions(b.version, a.version) ??
  b.version.localeCompare(a.version, 'en', { numeric: true })

function packagesOf(counts: readonly Count[]): PackageInField[] {
  const byPackage = Map.groupBy(counts, ({ type, title }) => `${type} ${title}`)
  return [...byPackage]
    .map(([key, versions]) => ({
      key,
      title: versions[0]?.title ?? '',
      total: versions.reduce((sum, { devices }) => sum + devices, 0),
      versions: versions.toSorted(newestFirst),
    }))
    .sort((a, b) => b.total - a.total)
}
