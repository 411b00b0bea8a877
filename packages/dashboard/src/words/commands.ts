/** What brings a device to this server: one text for each way, ready to be copied. */

export interface Way {
  readonly key: string
  readonly label: string
  readonly text: string
  /** A file, and no command. */
  readonly isFile?: boolean
}

export interface Endpoints {
  readonly http: string
  readonly mqtt: string | null
  readonly coap: string | null
}

export function waysFor({ http, mqtt, coap }: Endpoints, token: string): Way[] {
  const ways: Way[] = [
    {
      key: 'agent',
      label: 'Agent',
      text: `UPDRAFT_DEVICE_TOKEN=${token} npx updraft-agent --server ${http} \\\n  --installed firmware=app@1.0.0`,
    },
    {
      key: 'curl',
      label: 'curl',
      text: [
        `curl -s ${http}/device/v1/check-in \\`,
        `  -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' \\`,
        `  -d '{"installed":{"firmware":{"title":"app","version":"1.0.0"}}}'`,
      ].join('\n'),
    },
  ]
  if (mqtt) {
    const { hostname, port } = new URL(mqtt)
    ways.push({
      key: 'mqtt',
      label: 'MQTT',
      text: [
        `mosquitto_sub -h ${hostname} -p ${port || 1883} -u ${token} -v \\`,
        `  -t v1/devices/me/attributes`,
      ].join('\n'),
    })
  }
  if (coap) {
    ways.push({
      key: 'coap',
      label: 'CoAP',
      text: `coap-client -m get '${coap}/api/v1/${encodeURIComponent(token)}/attributes'`,
    })
  }
  return ways
}

/** The files that point an agent of Ioto at this server, and the command of its Updater. */
export function iotoWaysFor(http: string, product: string): Way[] {
  const { host } = new URL(http)
  return [
    {
      key: 'local',
      label: 'local.json5',
      isFile: true,
      text: [
        '// beside ioto.json5 of the agent',
        '{',
        `  api: { builder: '${http}/ioto' },`,
        "  mqtt: { schedule: 'never' },",
        '}',
      ].join('\n'),
    },
    {
      key: 'device',
      label: 'device.json5',
      isFile: true,
      text: [
        '// which device it is; whatever else it says of itself, policies can ask for',
        '{',
        "  id: 'auto',",
        `  product: '${product}',`,
        "  name: 'Gateway in the hall',",
        "  region: 'eu',",
        '}',
      ].join('\n'),
    },
    {
      key: 'updater',
      label: 'Updater',
      text: [
        `updater --host ${host} --token TOKEN_OF_A_CLOUD --product ${product} \\`,
        '  --device DEVICE_ID --version 1.0.0 --file update.bin --cmd ./apply region=eu',
      ].join('\n'),
    },
  ]
}
