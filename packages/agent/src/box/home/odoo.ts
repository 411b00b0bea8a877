/** What programs that know Odoo's boxes ask one for: reading only, all else is behind the PIN. */
import type { BoxStatus } from './status.ts'

export interface Plain {
  readonly type: 'text/plain' | 'application/json'
  readonly body: string
}

const PREFIX = /^\/(?:hw_posbox_homepage|iot_drivers)\/(ping|data|version_info)$/

/** The answer to that path; null when it is none of theirs. */
export function odooAnswer(path: string, status: BoxStatus): Plain | null {
  if (path === '/hw_proxy/hello') return { type: 'text/plain', body: 'ping' }
  if (path === '/hw_proxy/get_version') return { type: 'text/plain', body: versionOf(status) }
  const word = PREFIX.exec(path)?.[1]
  if (word === undefined) return null
  return { type: 'application/json', body: JSON.stringify(jsonFor(word, status)) }
}

const versionOf = ({ layers, version }: BoxStatus): string =>
  layers.image.active?.version ?? layers.code.active?.version ?? version

function jsonFor(word: string, status: BoxStatus): unknown {
  const { layers, machine, identity, network, server } = status
  if (word === 'ping') return { status: 'success', message: 'pong' }
  if (word === 'version_info') {
    return {
      status: 'success',
      odooIsUpToDate: layers.code.waiting === null,
      imageIsUpToDate: layers.image.waiting === null,
      currentCommitHash: layers.code.active?.version ?? '',
    }
  }
  const [first] = network
  return {
    identifier: identity.identifier,
    hostname: machine.hostName,
    ip: first?.addresses[0] ?? '',
    mac: first?.mac ?? '',
    mac_address: first?.mac ?? '',
    server_status: server?.url ?? '',
    pairing_code: false,
    version: versionOf(status),
    system: machine.platform === 'win32' ? 'Windows' : 'Linux',
    network_interfaces: network.map(({ name, addresses }) => ({
      id: name,
      is_wifi: /^wl/.test(name),
      ssid: null,
      ip: addresses[0] ?? '',
    })),
    odoo_uptime_seconds: machine.programUpSeconds,
    system_uptime_seconds: machine.systemUpSeconds,
  }
}
