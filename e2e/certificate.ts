/** Certificates for tests, made with openssl. */
import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const call = promisify(execFile)

export interface Certificate {
  /** Names of PEM files. */
  readonly certificate: string
  readonly key: string
  readonly pem: string
}

/** One for 127.0.0.1 that signed itself, or was signed by another. */
export async function makeCertificate(
  folder: string,
  name: string,
  { signedBy }: { signedBy?: Certificate } = {},
): Promise<Certificate> {
  await mkdir(folder, { recursive: true })
  const file = (kind: string) => join(folder, `${name}.${kind}.pem`)
  const [certificate, key, request] = [file('certificate'), file('key'), file('request')]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key]
  if (signedBy) {
    await call('openssl', ['req', ...newKey, ...subject, '-out', request])
    const authority = ['-CA', signedBy.certificate, '-CAkey', signedBy.key, '-CAcreateserial']
    const signing = ['x509', '-req', '-in', request, ...authority, '-days', '2']
    await call('openssl', [...signing, '-out', certificate])
  } else {
    await call('openssl', [
      'req',
      '-x509',
      ...newKey,
      ...subject,
      '-days',
      '2',
      '-out',
      certificate,
    ])
  }
  return { certificate, key, pem: await readFile(certificate, 'utf8') }
}
