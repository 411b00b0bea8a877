/** The boxes of the invented fleet: at the tills of a shop ours, in its kitchens Odoo's. */
import type { Client } from '@updraft/api/client'
import type { BoxForm } from '@updraft/api/shapes'
import { archiveOf } from '@updraft/server/dialects/odoo-iot/testing/archive'
import type { CheckInResponse, RegisterResponse } from '@updraft/wire/updraft'
import { NOW } from './fleet.ts'

const TILLS = 9
const KITCHENS = ['05.kitchen', '07.kitchen', '11.bar'] as const
const MINUTE_MS = 60_000

const ago = (minutes: number) => new Date(NOW.getTime() - minutes * MINUTE_MS)

/** They come within the last half hour; what is new for them came out before that. */
export async function boxesComeIn(
  api: Client,
  url: string,
  setClock: (to: Date) => void,
): Promise<void> {
  const post = async (path: string, body: object, token?: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
    return answer.json()
  }
  setClock(ago(60))
  const tills = await profile(api, 'Till', 'https://tills.example', '18.0')
  await profile(api, 'Kitchen', 'https://kitchens.example', '17.0')
  const handlers = await archiveOf({ 'drivers/scale_L.py': 'scale', 'interfaces/usb.py': 'usb' })
  const image = new Uint8Array(2_400_000).map((_, at) => (at * 31) % 251)
  await release(
    api,
    tills,
    { title: 'till-handlers', version: '2026.5', type: 'handlers' },
    handlers,
  )
  await release(api, tills, { title: 'till-image', version: '25.07', type: 'image' }, image)
  for (let n = 1; n <= TILLS; n += 1) {
    setClock(ago(30 - 3 * n))
    const id = `till-0${n}`
    const facts = factsOf(n)
    const { token } = (await post('/device/v1/register', {
      key: 'key-of-till',
      id,
      facts,
    })) as RegisterResponse
    const said = { installed: installedBy(n), facts }
    const { offers } = (await post('/device/v1/check-in', said, token)) as CheckInResponse
    const { items } = await api('listDevices', { query: { name: id } })
    const params = { id: items[0]?.id ?? '' }
    const set = SET[n]
    if (set) await api('setBoxForm', { params, body: { ...(await formOf(api, params)), ...set } })
    const operation = offers.find(({ type }) => type === 'handlers')?.operation
    if (n === 5 && operation !== undefined) {
      const report = { state: 'DOWNLOADING', progress: 62 }
      await post(`/device/v1/operations/${operation}/report`, report, token)
    }
  }
  for (const [index, name] of KITCHENS.entries()) {
    setClock(ago(14 - 4 * index))
    const mac = `02:00:5e:00:00:0${index + 1}`
    const iot_box = {
      name,
      ip: `192.0.2.${40 + index}`,
      token: 'key-of-kitchen',
      identifier: mac,
      mac,
    }
    const devices = { 'usb:04b8:0202': { name: 'Epson TM-U220', type: 'printer' } }
    const version = 'L24.10-17.0#3f2c9d1'
    await post('/iot/setup', { params: { iot_box: { ...iot_box, version }, devices } })
  }
  setClock(NOW)
}

const SET: Readonly<Record<number, Partial<BoxForm>>> = {
  6: { hold: { reason: 'Stocktaking', until: '2026-05-21T06:00:00Z' } },
  7: { automaticDriversUpdate: false },
  8: { windows: 'Mon-Sat 22:00-05:00 Europe/Berlin' },
}

const formOf = async (api: Client, params: { id: string }) =>
  (await api('showBox', { params })).form

async function profile(api: Client, name: string, url: string, series: string): Promise<string> {
  const { id } = await api('createProfile', { body: { name, description: 'Boxes of the shops.' } })
  const key = `key-of-${name.toLowerCase()}`
  await api('enableProvisioning', { params: { id }, body: { key, claimsAtOnce: true } })
  await api('setBoxServer', { params: { id }, body: { url, series } })
  return id
}

async function release(
  api: Client,
  profileId: string,
  named: { title: string; version: string; type: string },
  bytes: Uint8Array,
): Promise<void> {
  const { sha256 } = await api('uploadArtifact', { body: new Uint8Array(bytes) })
  const { title, version, type } = named
  const fileName = `${title}-${version}.${type === 'image' ? 'img' : 'zip'}`
  const { id } = await api('createRelease', { body: { ...named, profileId, sha256, fileName } })
  await api('assignToProfile', { params: { id: profileId, type }, body: { releaseId: id } })
}

const isUpToDate = (n: number) => n === 1 || n === 2 || n === 4
const codeOf = (n: number) => (n === 9 ? '17.0#3f2c9d1' : '18.0#8be01c4')
const handlersOf = (n: number) => (isUpToDate(n) ? '2026.5' : '2026.4')

const installedBy = (n: number) => ({
  handlers: { title: 'till-handlers', version: handlersOf(n) },
  code: { title: 'box', version: codeOf(n) },
  image: { title: 'till-image', version: isUpToDate(n) ? '25.07' : '24.10' },
})

/** The third one has trouble with a driver. */
function factsOf(n: number) {
  const isBroken = n === 3
  const installed = installedBy(n)
  const error = "ModuleNotFoundError: No module named 'escpos'"
  const printer = {
    id: 'usb:04b8:0e15',
    name: 'Epson TM-T20III',
    type: 'printer',
    connection: 'usb',
  }
  const scale = { id: 'usb:0922:8003', name: 'Dymo S50', type: 'scale', connection: 'usb' }
  const running = { state: 'running', error: null }
  const handlers = [
    { file: 'interfaces/usb.py', ...running, devices: [] },
    { file: 'drivers/scale_L.py', ...running, devices: [scale] },
    isBroken
      ? { file: 'drivers/receipt_printer.py', state: 'failed', error, devices: [] }
      : { file: 'drivers/receipt_printer.py', ...running, devices: [printer] },
  ]
  const last = isBroken
    ? { kind: 'rolled-back', because: 'drivers/receipt_printer.py did not load.', at: ago(50) }
    : { kind: 'updated', because: null, at: ago(2880) }
  const upstream = { url: 'https://code.example/box.git', branch: '18.0', lookedAt: ago(90) }
  const slots = [
    { name: 'a', release: { version: installed.image.version } },
    { name: 'b', release: { version: '24.04' } },
  ]
  return {
    identifier: `10000000a1b2c30${n}`,
    hostName: `till-0${n}`,
    mac: `02:00:5e:10:00:0${n}`,
    ip: `192.0.2.1${n}`,
    platform: 'L',
    memoryBytes: 2_013_265_920,
    freeDiskBytes: 11_408_506_880,
    box: {
      kind: 'physical',
      homePort: 8069,
      layers: {
        handlers: {
          active: { ...installed.handlers, installedAt: ago(2880) },
          previous: { title: 'till-handlers', version: '2026.3', installedAt: ago(43_200) },
          result: last,
          details: { handlers },
        },
        code: {
          active: { ...installed.code, installedAt: ago(10_080) },
          result: { kind: 'unchanged', because: null, at: ago(90) },
          details: { upstream },
        },
        image: {
          active: { ...installed.image, installedAt: ago(86_400) },
          details: { running: 'a', slots },
        },
      },
    },
  }
}
