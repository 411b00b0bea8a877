/** Where files are kept, as it is set: one store, or several with names. */
import { fileURLToPath } from 'node:url'
import { ConfigError } from './config-error.ts'

export type ArtifactStoreConfig = { readonly name: string } & (FolderConfig | S3Config)

export interface FolderConfig {
  readonly kind: 'file'
  readonly folder: string
}

/** A bucket, or a part of one. Its credentials are found as all programs with the AWS SDK find them. */
export interface S3Config {
  readonly kind: 's3'
  readonly bucket: string
  /** Before the names of all objects: empty, or ends with a slash. */
  readonly prefix: string
  /** Unset: as the SDK finds it. */
  readonly region: string | undefined
  /** Unset: Amazon's own. */
  readonly endpoint: string | undefined
  /** The bucket stands in the path, not in the host. */
  readonly isPathStyle: boolean
  /** Devices are sent there with signed addresses, rather than served by this server. */
  readonly isDirect: boolean
  /** A bucket that is missing is made. */
  readonly mayCreate: boolean
}

const STORE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
/** Commas also stand in names of files: it ends before what looks like the next store. */
const BETWEEN_STORES = /,(?=\s*(?:[^=,/]*=)?\s*(?:file|s3):)/

/** `setting`: how it is called in what refuses. Throws ConfigError. */
export function readArtifactStores(text: string, setting: string): readonly ArtifactStoreConfig[] {
  const stores = text
    .split(BETWEEN_STORES)
    .map((each, index) => artifactStore(each.trim(), index, setting))
  const names = stores.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice === undefined) return stores
  throw new ConfigError(`${setting} names two stores "${twice}".`)
}

function artifactStore(text: string, index: number, setting: string): ArtifactStoreConfig {
  const [, given, url = text] = /^([^=:/]*)=(.*)$/s.exec(text) ?? []
  const name = given?.trim() ?? (index === 0 ? 'default' : '')
  if (!STORE_NAME.test(name)) {
    throw new ConfigError(
      `${setting} needs a name for each store after the first, such as eu=s3://bucket: small letters, digits and dashes; not "${text}".`,
    )
  }
  return { name, ...(url.startsWith('s3:') ? s3Bucket(url, setting) : fileFolder(url, setting)) }
}

function fileFolder(url: string, setting: string): FolderConfig {
  if (url.startsWith('file:///')) {
    try {
      return { kind: 'file', folder: fileURLToPath(url) }
    } catch {
      // Falls through to the refusal.
    }
  }
  throw new ConfigError(
    `${setting} is a URL such as file:///srv/updraft or s3://bucket/prefix?region=eu-central-1, not "${url}".`,
  )
}

const S3_OPTIONS = ['region', 'endpoint', 'path-style', 'direct', 'create']

function s3Bucket(text: string, setting: string): S3Config {
  const refuse = (why: string): never => {
    throw new ConfigError(`${setting}: ${why}, in "${text.replace(/\/\/[^/]*@/, '//…@')}".`)
  }
  const [, bucket = '', path = '', query = ''] =
    /^s3:\/\/([^/?#@]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(text) ??
    refuse(
      'an s3: URL is like s3://bucket/prefix?region=eu-central-1, and its credentials stand elsewhere',
    )
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    refuse(`"${bucket}" is no name of a bucket`)
  const options = new URLSearchParams(query)
  for (const name of options.keys()) {
    if (!S3_OPTIONS.includes(name)) refuse(`"${name}" is none of ${S3_OPTIONS.join(', ')}`)
  }
  const flag = (name: string, standard: boolean): boolean => {
    const word = options.get(name) ?? String(standard)
    return ['true', 'false'].includes(word) ? word === 'true' : refuse(`${name} is true or false`)
  }
  const endpoint = options.get('endpoint') ?? undefined
  if (endpoint !== undefined && !(URL.canParse(endpoint) && /^https?:\/\/[^?#]+$/.test(endpoint))) {
    refuse('the endpoint is no http or https URL')
  }
  const prefix = decoded(path)?.replace(/\/*$/, '') ?? refuse(`"${path}" cannot be decoded`)
  return {
    kind: 's3',
    bucket,
    prefix: prefix === '' ? '' : `${prefix}/`,
    // Those who speak S3 elsewhere mostly do not care, and the SDK needs one.
    region: options.get('region') ?? (endpoint === undefined ? undefined : 'us-east-1'),
    endpoint,
    isPathStyle: flag('path-style', false),
    isDirect: flag('direct', true),
    mayCreate: flag('create', true),
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
