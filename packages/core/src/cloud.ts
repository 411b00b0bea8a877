/** Clouds: where a set of devices is served from. */
import { checkedName } from './device.ts'
import { DomainError } from './errors.ts'

export interface Cloud {
  readonly id: string
  readonly name: string
  /** What its devices are told of the server; null for what all are told. */
  readonly publicUrl: string | null
  /** Name of the artifact store its devices fetch from; null for the default one. */
  readonly artifactStore: string | null
  /** A word for people. */
  readonly region: string | null
  readonly createdAt: Date
}

export type CloudSettings = Omit<Cloud, 'id' | 'createdAt'>

/** Those of the settings that are given, as they are kept. Refuses with request.malformed. */
export function checkedCloud<Given extends Partial<CloudSettings>>({
  name,
  publicUrl,
  artifactStore,
  region,
}: Given): Pick<CloudSettings, keyof Given & keyof CloudSettings> {
  return {
    ...(name !== undefined && { name: checkedName('cloud', name) }),
    ...(publicUrl !== undefined && { publicUrl: publicUrl && checkedRootUrl(publicUrl) }),
    ...(artifactStore !== undefined && {
      artifactStore: artifactStore && checkedName('artifact store', artifactStore),
    }),
    ...(region !== undefined && { region: region && checkedName('region', region) }),
  } as Pick<CloudSettings, keyof Given & keyof CloudSettings>
}

/** Devices put paths behind it. */
function checkedRootUrl(text: string): string {
  const url = text.trim()
  const isRoot = URL.canParse(url) && /^https?:\/\/[^?#\s]+$/.test(url)
  if (isRoot && url.length <= MAX_URL_LENGTH) return url.replace(/\/+$/, '')
  const example = 'https://eu.updates.example'
  throw new DomainError(
    'request.malformed',
    `The public URL of a cloud is an http or https URL such as ${example}, of ${MAX_URL_LENGTH} characters at most.`,
  )
}

/** The shortest of what devices take: of an old agent of Ioto's 136, with the `/ioto` that is put behind it. */
export const MAX_URL_LENGTH = 131
