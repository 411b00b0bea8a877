import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TlsFiles } from '../config.ts'
import { deviceAuthority, newDeviceAuthority } from '../credentials/device-ca.ts'
import { type CertificateNeeds, serverNames, tlsCertificate } from './tls-certificate.ts'

const NOON = new Date('2026-03-01T12:00:00Z')
const DAY_MS = 86_400_000
const noFiles: TlsFiles = { certificate: undefined, key: undefined, clientCa: undefined }
const nowhere = { host: '127.0.0.1', publicUrl: undefined, mqttPublicUrl: undefined }

/** A house with an authority, whose clock can be moved on. */
function house() {
  const kept = newDeviceAuthority(NOON)
  const warnings: object[] = []
  let now = NOON
  const clock = { now: () => now }
  const certificates = deviceAuthority({ kept: () => kept, now: clock.now })
  const needs: CertificateNeeds = {
    config: nowhere,
    certificates,
    clock,
    log: { warn: (details) => void warnings.push(details) },
  }
  return {
    certificates,
    needs,
    warnings,
    daysLater: (days: number) => {
      now = new Date(NOON.getTime() + days * DAY_MS)
    },
  }
}

describe('of the authority', () => {
  test('it is for this server, and only for a server', async () => {
    const { certificates, needs } = house()
    const { certificate, key } = await (await tlsCertificate(noFiles, needs))()
    const read = new X509Certificate(certificate)
    const authority = new X509Certificate(await certificates.authority())
    expect(read.checkIssued(authority)).toBe(true)
    expect(read.verify(authority.publicKey)).toBe(true)
    for (const name of ['localhost', hostname()]) expect(read.checkHost(name)).toBe(name)
    for (const address of ['127.0.0.1', '::1']) expect(read.checkIP(address)).toBe(address)
    expect(read.checkHost('other.example')).toBeUndefined()
    expect(read.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(key).toContain('PRIVATE KEY')
  })

  test('it is made once, and anew before it ends', async () => {
    const { needs, daysLater } = house()
    const source = await tlsCertificate(noFiles, needs)
    const [first, same] = await Promise.all([source(), source()])
    expect(same).toBe(first)
    daysLater(59)
    expect(await source()).toBe(first)
    daysLater(61)
    const next = await source()
    expect(next).not.toBe(first)
    expect(await source()).toBe(next)
    const { validToDate } = new X509Certificate(next.certificate)
    expect(validToDate.getTime()).toBe(NOON.getTime() + 151 * DAY_MS)
  })

  test('what there is stays good while another cannot be made, as long as it is good', async () => {
    const { certificates, needs, warnings, daysLater } = house()
    const issueForServer = vi.fn(certificates.issueForServer)
    const source = await tlsCertificate(noFiles, { ...needs, certificates: { issueForServer } })
    const first = await source()
    issueForServer.mockRejectedValueOnce(new Error('away'))
    daysLater(61)
    expect(await source()).toBe(first)
    expect(warnings).toHaveLength(1)
    issueForServer.mockRejectedValueOnce(new Error('away'))
    daysLater(91)
    await expect(source()).rejects.toThrow('away')
    expect(await source()).not.toBe(first)
  })
})

test('its names are all that the server may be reached by', () => {
  const names = serverNames({
    host: '10.0.0.1',
    publicUrl: 'https://updates.example/updraft',
    mqttPublicUrl: 'mqtts://[fd00::1]:8883',
  })
  const always = ['localhost', '127.0.0.1', '::1']
  expect(names).toEqual([...always, 'updates.example', 'fd00::1', '10.0.0.1', hostname()])
  expect(serverNames({ ...nowhere, host: '0.0.0.0' })).toEqual([...always, hostname()])
})

describe('of files', () => {
  let folder: string
  let files: TlsFiles & { certificate: string; key: string }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'updraft-certificate-'))
    files = { ...noFiles, certificate: join(folder, 'server.pem'), key: join(folder, 'server.key') }
  })
  afterAll(() => rm(folder, { recursive: true }))

  const write = async (part: 'certificate' | 'key', issued: Record<typeof part, string>) =>
    writeFile(files[part], issued[part])

  test('it is read again when both have changed, and stays while they do not fit', async () => {
    const { certificates, needs, warnings } = house()
    const [first, second] = await Promise.all(
      ['a', 'b'].map((name) => certificates.issueForServer([name], 1)),
    )
    if (!first || !second) throw new Error('Two were made.')
    await write('certificate', first)
    await write('key', first)
    const later = vi.spyOn(performance, 'now')
    const source = await tlsCertificate(files, needs)
    const read = async () => {
      later.mockReturnValue(performance.now() + 61_000)
      return (await source()).certificate
    }
    expect(await read()).toBe(first.certificate)
    await write('certificate', second)
    expect(await read()).toBe(first.certificate)
    expect(warnings).toHaveLength(1)
    await write('key', second)
    expect(await read()).toBe(second.certificate)
    later.mockRestore()
  })

  test('that cannot be used nothing is started', async () => {
    const { certificates, needs } = house()
    await write('certificate', await certificates.issueForServer(['a'], 1))
    await write('key', await certificates.issueForServer(['a'], 1))
    await expect(tlsCertificate(files, needs)).rejects.toThrow('key values mismatch')
    const gone = { ...files, key: join(folder, 'none') }
    await expect(tlsCertificate(gone, house().needs)).rejects.toThrow('ENOENT')
  })
})
