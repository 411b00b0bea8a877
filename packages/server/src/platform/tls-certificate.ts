/**
 * The certificate that we show within TLS: that of the files which are named, read again when they change; else one of
 * the installation's own authority, made when the first client asks for it, and anew before it ends.
 */
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { createSecureContext } from 'node:tls'
import type { Clock, DeviceCertificates } from '../app/ports.ts'
import type { Config, TlsFiles } from '../config.ts'
import type { Tls, TlsSource } from '../transports/tls-or-plain.ts'

const DAYS = 90
/** So long before its end there is another. */
const RENEWED_DAYS_BEFORE = 30
const DAY_MS = 86_400_000
const READ_AGAIN_MS = 60_000

interface Warnings {
  warn(details: object, message: string): void
}

export interface CertificateNeeds {
  readonly config: Pick<Config, 'host' | 'mqttPublicUrl' | 'publicUrl'>
  readonly certificates: Pick<DeviceCertificates, 'issueForServer'>
  readonly clock: Clock
  readonly log: Warnings
}

/** Rejects when there are files and they cannot be used. */
export async function tlsCertificate(
  { certificate, key, clientCa }: TlsFiles,
  needs: CertificateNeeds,
): Promise<TlsSource> {
  const ca = clientCa && (await readFile(clientCa, 'utf8'))
  if (certificate && key) return fromFiles({ certificate, key, clientCa: ca }, needs.log)
  // Tried once, so that it is no surprise later.
  createSecureContext({ ca })
  return ofAuthority(needs, ca)
}

/** Files are changed one after the other: until they fit, what was read before stays. */
async function fromFiles(files: Tls, log: Warnings): Promise<TlsSource> {
  const read = async (): Promise<Tls> => {
    const [certificate, key] = await Promise.all([
      readFile(files.certificate, 'utf8'),
      readFile(files.key, 'utf8'),
    ])
    createSecureContext({ cert: certificate, key, ca: files.clientCa })
    return { certificate, key, clientCa: files.clientCa }
  }
  let current = await read().catch((error: Error) => {
    const { certificate, key } = files
    const message = `The files for TLS, ${certificate} and ${key}, cannot be used: ${error.message}`
    throw new Error(message, { cause: error })
  })
  let readMs = performance.now()
  return async () => {
    if (performance.now() - readMs < READ_AGAIN_MS) return current
    readMs = performance.now()
    try {
      const next = await read()
      const isSame = next.certificate === current.certificate && next.key === current.key
      if (!isSame) current = next
    } catch (error) {
      log.warn({ err: error }, 'the files for TLS cannot be used; what was read before stays')
    }
    return current
  }
}

function ofAuthority(
  { config, certificates, clock, log }: CertificateNeeds,
  clientCa: string | undefined,
): TlsSource {
  let current: { readonly tls: Tls; readonly endsMs: number } | undefined
  let making: Promise<Tls> | undefined
  const make = async (): Promise<Tls> => {
    const endsMs = clock.now().getTime() + DAYS * DAY_MS
    const issued = await certificates.issueForServer(serverNames(config), DAYS)
    current = { tls: { ...issued, clientCa }, endsMs }
    return current.tls
  }
  return async () => {
    const leftMs = current ? current.endsMs - clock.now().getTime() : 0
    if (current && leftMs > RENEWED_DAYS_BEFORE * DAY_MS) return current.tls
    making ??= make().finally(() => {
      making = undefined
    })
    if (!current || leftMs <= 0) return making
    // Good for a while yet, should the store be away.
    const { tls } = current
    return making.catch((error: unknown) => {
      log.warn({ err: error }, 'the certificate for TLS could not be made anew; it is tried again')
      return tls
    })
  }
}

/** All it may be reached by, as far as it knows. */
export function serverNames({
  host,
  publicUrl,
  mqttPublicUrl,
}: Pick<Config, 'host' | 'publicUrl' | 'mqttPublicUrl'>): string[] {
  const ofUrls = [publicUrl, mqttPublicUrl].map((url) => url && new URL(url).hostname)
  const all = ['localhost', '127.0.0.1', '::1', ...ofUrls, host, hostname()]
    .map((name) => name?.replace(/^\[|\]$/g, '') ?? '')
    // An address for all of them is nobody's name, and other letters no certificate has.
    .filter((name) => /^[\x21-\x7e]+$/.test(name) && name !== '0.0.0.0' && name !== '::')
  return [...new Set(all)]
}
