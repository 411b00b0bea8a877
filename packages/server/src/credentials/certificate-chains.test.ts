import { beforeAll, describe, expect, test } from 'vitest'
import {
  chainOf,
  forClients,
  forServers,
  type MadeCertificate,
  makeTestCertificate,
  mayNotSign,
  namesOnly,
  unheardOf,
  type Wanted,
} from '../../../../tools/test-certificates.ts'
import { certificateChains } from './certificate-chains.ts'

const chains = certificateChains()
const now = new Date()

let root: MadeCertificate
let works: MadeCertificate
let leaf: MadeCertificate
beforeAll(async () => {
  root = await makeTestCertificate('CN=A maker', { isAuthority: true })
  works = await makeTestCertificate('CN=Works 1', { isAuthority: true, signedBy: root })
  leaf = await makeTestCertificate('CN=gw-1', { signedBy: works })
})

const judge = (
  chain: readonly MadeCertificate[],
  known: readonly MadeCertificate[] = [],
  at = now,
) =>
  chains.judge(
    chain.map(({ der }) => der),
    known.map(({ der }) => der),
    at,
  )
const nobody = (commonName: string | null = 'gw-1') => ({
  commonName,
  fault: 'nobody-vouches',
  authorities: [],
})

describe('who vouches for a device', () => {
  test('is whoever signed, and whoever signed those', async () => {
    const all = [works.fingerprint, root.fingerprint]
    const good = { commonName: 'gw-1', fault: null }
    expect(await judge([leaf, works, root])).toEqual({ ...good, authorities: all })
    expect(await judge([leaf, works], [root])).toEqual({ ...good, authorities: all })
    expect(await judge([leaf], [works])).toEqual({ ...good, authorities: [works.fingerprint] })
  })

  test('is nobody where one between is missing', async () => {
    expect(await judge([leaf], [root])).toEqual(nobody())
    expect(await judge([leaf, root])).toEqual(nobody())
    expect(await judge([leaf])).toEqual(nobody())
  })

  test('is not who only goes by the same name', async () => {
    const another = await makeTestCertificate('CN=Works 1', { isAuthority: true })
    expect(await judge([leaf, another], [root])).toEqual(nobody())
    const both = await judge([leaf, another, works], [root])
    expect(both.authorities).toEqual([works.fingerprint, root.fingerprint])
  })

  test.each<[string, Wanted]>([
    ['is no authority', {}],
    ['has ended', { isAuthority: true, from: -3, to: -1 }],
    ['has not begun', { isAuthority: true, from: 1 }],
    ['may not sign', { isAuthority: true, extensions: [mayNotSign] }],
    ['is for servers', { isAuthority: true, extensions: [forServers] }],
    ['is for some names only', { isAuthority: true, extensions: [namesOnly] }],
    ['demands what nobody knows', { isAuthority: true, extensions: [unheardOf] }],
  ])('is none that %s', async (_what, wanted) => {
    const between = await makeTestCertificate('CN=Works 2', { ...wanted, signedBy: root })
    const device = await makeTestCertificate('CN=gw-1', { signedBy: between })
    expect(await judge([device, between, root])).toEqual(nobody())
    expect(await judge([device], [between, root])).toEqual(nobody())
  })

  test('is none above more authorities than it says', async () => {
    const short = await makeTestCertificate('CN=Short', { isAuthority: true, pathLength: 0 })
    const direct = await makeTestCertificate('CN=gw-1', { signedBy: short })
    expect((await judge([direct, short])).authorities).toEqual([short.fingerprint])
    const between = await makeTestCertificate('CN=Between', { isAuthority: true, signedBy: short })
    const device = await makeTestCertificate('CN=gw-1', { signedBy: between })
    expect((await judge([device, between, short])).authorities).toEqual([between.fingerprint])
  })

  test('is none below another device', async () => {
    const other = await makeTestCertificate('CN=gw-9', { signedBy: leaf })
    expect(await judge([other, leaf, works, root])).toEqual(nobody('gw-9'))
  })
})

describe('a certificate', () => {
  test.each<[string, Wanted, string]>([
    ['that has ended', { from: -3, to: -1 }, 'expired'],
    ['that has not begun', { from: 1 }, 'not-yet-valid'],
    ['for servers', { extensions: [forServers] }, 'not-for-clients'],
    ['of an authority', { isAuthority: true }, 'is-authority'],
  ])('%s counts for nothing', async (_what, wanted, fault) => {
    const device = await makeTestCertificate('CN=gw-1', { ...wanted, signedBy: root })
    const judged = await judge([device, root])
    expect(judged).toEqual({ commonName: 'gw-1', fault, authorities: [] })
  })

  test('for clients, and with more to its name, is as good as any', async () => {
    const wanted = { signedBy: root, extensions: [forClients] }
    const device = await makeTestCertificate('C=DE, O=Acme, CN=Ventil für Öl', wanted)
    const judged = await judge([device, root])
    expect(judged).toMatchObject({ commonName: 'Ventil für Öl', fault: null })
  })

  test.each(['O=Acme', 'CN=gw-1, CN=gw-2'])('in the name of %s is nobody', async (name) => {
    const device = await makeTestCertificate(name, { signedBy: root })
    expect((await judge([device, root])).commonName).toBeNull()
  })

  test('that signed itself has nobody who vouches for it', async () => {
    const device = await makeTestCertificate('CN=gw-1')
    expect(await judge([device, device], [device, root])).toEqual(nobody())
  })

  test('that cannot be read is none, and what cannot be read above it counts for nothing', async () => {
    const noise = Buffer.from('noise')
    expect((await chains.judge([noise], [root.der], now)).fault).toBe('unreadable')
    expect((await chains.judge([], [], now)).fault).toBe('unreadable')
    const { authorities } = await chains.judge([leaf.der, noise, works.der], [], now)
    expect(authorities).toEqual([works.fingerprint])
  })

  test('is judged at the moment', async () => {
    const later = new Date(now.getTime() + 2000 * 3_600_000)
    expect((await judge([leaf, works, root], [], later)).fault).toBe('expired')
  })
})

test('what came with a certificate is remembered once its device came in', async () => {
  const own = certificateChains()
  const shown = [leaf.der, works.der]
  const alone = () => own.judge([leaf.der], [root.der], now)
  await own.judge(shown, [root.der], now)
  expect((await alone()).fault).toBe('nobody-vouches')
  own.remember(shown)
  expect((await alone()).authorities).toEqual([works.fingerprint, root.fingerprint])
  own.remember([leaf.der])
  expect((await alone()).fault).toBeNull()
})

describe('authorities as an operator tells them', () => {
  test('are all that stand in the text', () => {
    const read = chains.readAuthorities(`Makers\n${chainOf(root, works)}\n`)
    expect(read).toEqual([
      expect.objectContaining({ fingerprint: root.fingerprint, subject: 'CN=A maker' }),
      expect.objectContaining({ fingerprint: works.fingerprint, subject: 'CN=Works 1' }),
    ])
  })

  test.each([
    ['a device', () => leaf.certificate, 'CN=gw-1 is the certificate of no authority.'],
    ['a key', () => root.key, 'An authority that is told by PEM is a certificate.'],
    [
      'noise',
      () => '-----BEGIN CERTIFICATE-----\nbm9pc2U=\n-----END CERTIFICATE-----',
      'The certificate of an authority cannot be read.',
    ],
  ])('are not %s', (_what, text, message) => {
    expect(() => chains.readAuthorities(text())).toThrow(message)
  })
})
