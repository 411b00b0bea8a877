/** The table of commands, in the order the help shows them. */
import type { Command } from './command.ts'
import { accountCommands } from './commands/accounts.ts'
import { assignmentCommands } from './commands/assignments.ts'
import { auditCommands } from './commands/audit.ts'
import { boxCommands } from './commands/boxes.ts'
import { campaignCommands } from './commands/campaigns.ts'
import { channelCommands } from './commands/channels.ts'
import { cloudCommands } from './commands/clouds.ts'
import { clusterCommands } from './commands/clusters.ts'
import { credentialCommands } from './commands/credentials.ts'
import { customerCommands } from './commands/customers.ts'
import { deviceCommands } from './commands/devices.ts'
import { groupCommands } from './commands/groups.ts'
import { hardwareCommands } from './commands/hardware.ts'
import { hawkbitCommands } from './commands/hawkbit.ts'
import { modelCommands } from './commands/models.ts'
import { operationCommands } from './commands/operations.ts'
import { ownerCommands } from './commands/owners.ts'
import { packageCommands } from './commands/packages.ts'
import { policyCommands } from './commands/policies.ts'
import { profileCommands } from './commands/profiles.ts'
import { provisioningCommands } from './commands/provisioning.ts'
import { realmCommands } from './commands/realms.ts'
import { registrationCommands } from './commands/registrations.ts'
import { settingsCommands } from './commands/settings.ts'
import { statusCommands } from './commands/status.ts'
import { storeCommands } from './commands/stores.ts'
import { tenantCommands } from './commands/tenants.ts'
import { updateCommands } from './commands/update.ts'
import { userCommands } from './commands/users.ts'
import { versionCommands } from './commands/version.ts'

export const COMMANDS: readonly Command[] = [
  ...profileCommands,
  ...provisioningCommands,
  ...deviceCommands,
  ...credentialCommands,
  ...ownerCommands,
  ...groupCommands,
  ...channelCommands,
  ...modelCommands,
  ...hardwareCommands,
  ...cloudCommands,
  ...realmCommands,
  ...clusterCommands,
  ...registrationCommands,
  ...boxCommands,
  ...hawkbitCommands,
  ...storeCommands,
  ...packageCommands,
  ...assignmentCommands,
  ...policyCommands,
  ...campaignCommands,
  ...statusCommands,
  ...updateCommands,
  ...operationCommands,
  ...customerCommands,
  ...userCommands,
  ...tenantCommands,
  ...accountCommands,
  ...settingsCommands,
  ...auditCommands,
  ...versionCommands,
]

/** What the words before the verb stand for, by noun. */
export const NOUNS: Readonly<Record<string, string>> = {
  profile: 'kinds of devices: add, list, show, remove, provisioning',
  'profile provisioning': 'devices that enrol themselves: enable, disable, show',
  device:
    'the devices of the fleet: add, list, show, remove, import, token, credential, customer, claim, give-back, cloud, waiting, claim-waiting, re-enrol',
  'device credential': 'what a device is known by: list, add, remove',
  group: 'groups of devices, chosen by an expression: add, list, show, update, preview, remove',
  channel: 'sets of groups: add, list, show, update, remove',
  model: 'what part numbers say a device is, and its profile: add, list, show, update, remove',
  hardware: 'what part numbers say a device is built on: add, list, show, update, remove',
  cloud: 'where sets of devices are served from: add, list, show, update, remove, token',
  'cloud token': 'by which devices of a cloud come in: create, list, revoke',
  box: "boxes, ours and Odoo's: set, show, remove, form, load-handlers, restart",
  hawkbit: "devices that speak hawkBit's language, by profile: set, show; one of them: ask",
  'realm cluster':
    "the cluster of Astarte that serves the realm's devices: set, show, check, remove",
  store: 'where the files of releases are kept: list, move',
  package: 'packages and their versions: add, list, show, download, remove',
  policy:
    'versions that devices get by themselves: set, list, show, enable, disable, check, try, remove',
  campaign:
    'releases brought to a part of the fleet: add, list, show, targets, watch, update, pause, resume, approve, retry, cancel, roll-back, remove',
  settings: 'what a tenant sets for itself: show, set',
  realm:
    'the realm in which devices of Astarte are paired: set, show, remove, token, key, authority, register, unregister, inhibit, allow, cluster',
  'realm key': 'keys with which tokens for agents are signed: rotate, add, list, remove',
  customer: 'customers, who own devices: add, list, show, rename, remove',
  user: 'people and what they may: add, list, show, role, password, remove',
  tenant: 'the tenants of this installation: add, list, rename, remove',
  token: 'API tokens for programs: create, list, revoke',
}

/** How the help groups what a command line begins with. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Fleet: [
    'profile',
    'device',
    'group',
    'channel',
    'model',
    'hardware',
    'cloud',
    'realm',
    'box',
    'hawkbit',
    'status',
  ],
  Updates: [
    'package',
    'assign',
    'unassign',
    'policy',
    'campaign',
    'update',
    'cancel',
    'force',
    'retry',
  ],
  People: ['customer', 'user', 'tenant', 'token'],
  Server: ['serve', 'store', 'settings', 'audit', 'version'],
}
