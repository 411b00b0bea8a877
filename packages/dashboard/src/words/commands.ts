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

/** One device that somebody registered, or any that agents register. */
export interface EdgehogDevice {
  readonly astarteId: string
  readonly credentialsSecret: string
}

/** What points Edgehog's runtime, and the agent in its language, at this server. */
export function edgehogWaysFor(
  { http, realm }: { readonly http: string; readonly realm: string },
  device: EdgehogDevice | null,
): Way[] {
  const known = device
    ? [`credentials_secret = "${device.credentialsSecret}"`, `device_id = "${device.astarteId}"`]
    : [
        'credentials_secret = "WHAT_REGISTERING_ANSWERED"',
        'device_id = "22_CHARACTERS_OF_BASE64URL"',
      ]
  return [
    {
      key: 'runtime',
      label: 'edgehog-config.toml',
      isFile: true,
      text: [
        'astarte_library = "astarte-device-sdk"',
        'interfaces_directory = "/usr/share/edgehog/astarte-interfaces/"',
        'store_directory = "/var/lib/edgehog/"',
        'download_directory = "/var/tmp/edgehog-updates/"',
        '[astarte_device_sdk]',
        ...known,
        `pairing_url = "${pairingUrl(http)}"`,
        `realm = "${realm}"`,
      ].join('\n'),
    },
    {
      key: 'agent',
      label: 'Agent',
      text: device
        ? [
            `printf %s '${device.credentialsSecret}' > credentials-secret`,
            `npx updraft-agent --uplink edgehog --server ${http} \\`,
            `  --realm ${realm} --device-id ${device.astarteId} \\`,
            '  --credentials-secret-file credentials-secret --ca-file device-authority.pem \\',
            '  --allow-unchecked --installed firmware=app@1.0.0',
          ].join('\n')
        : [
            `UPDRAFT_DEVICE_TOKEN=TOKEN_FOR_AGENTS npx updraft-agent --uplink edgehog --server ${http} \\`,
            `  --realm ${realm} --device-id auto --ca-file device-authority.pem \\`,
            '  --allow-unchecked --installed firmware=app@1.0.0',
          ].join('\n'),
    },
    ...(device
      ? []
      : [
          {
            key: 'register',
            label: 'Register by curl',
            text: [
              `curl -s ${pairingUrl(http)}/v1/${realm}/agent/devices \\`,
              "  -H 'Authorization: Bearer TOKEN_FOR_AGENTS' -H 'Content-Type: application/json' \\",
              `  -d '{"data":{"hw_id":"22_CHARACTERS_OF_BASE64URL"}}'`,
            ].join('\n'),
          },
        ]),
  ]
}

/** Where devices of Astarte are paired, as their makers configure it. */
export const pairingUrl = (http: string): string => `${http}/pairing`

/** What points clients of hawkBit at this server, let in by the key of their profile. */
export function hawkbitWaysFor(http: string, key: string): Way[] {
  const { host, hostname, port, protocol } = new URL(http)
  const isSecure = protocol === 'https:'
  return [
    {
      key: 'swupdate',
      label: 'swupdate.cfg',
      isFile: true,
      text: [
        'suricatta: {',
        '  tenant = "default";',
        '  id = "DEVICE_ID";',
        `  url = "${http}";`,
        `  gatewaytoken = "${key}";`,
        '};',
      ].join('\n'),
    },
    {
      key: 'rauc',
      label: 'rauc-hawkbit-updater',
      isFile: true,
      text: [
        '[client]',
        `hawkbit_server = ${host}`,
        `ssl = ${isSecure}`,
        'tenant_id = default',
        'target_name = DEVICE_ID',
        `gateway_token = ${key}`,
        'bundle_download_location = /tmp/bundle.raucb',
        '',
        // Without one line of it the updater does not start.
        '[device]',
        'board = BOARD',
      ].join('\n'),
    },
    {
      key: 'zephyr',
      label: 'Zephyr prj.conf',
      isFile: true,
      text: [
        'CONFIG_HAWKBIT=y',
        `CONFIG_HAWKBIT_SERVER="${hostname}"`,
        `CONFIG_HAWKBIT_PORT=${port || (isSecure ? 443 : 80)}`,
        ...(isSecure ? ['CONFIG_HAWKBIT_USE_TLS=y'] : []),
        'CONFIG_HAWKBIT_DDI_GATEWAY_SECURITY=y',
        `CONFIG_HAWKBIT_DDI_SECURITY_TOKEN="${key}"`,
      ].join('\n'),
    },
  ]
}
