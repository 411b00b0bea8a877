/** The places of the dashboard in the order of the rail, and who may see them. */
import {
  type Icon,
  IconAdjustmentsHorizontal,
  IconClipboardList,
  IconCpu,
  IconDoorEnter,
  IconLayoutDashboard,
  IconPackage,
  IconRouter,
  IconTargetArrow,
  IconTemplate,
  IconUsersGroup,
  IconWaveSine,
} from '@tabler/icons-react'
import type { Permission } from '@updraft/core'

export interface Place {
  readonly to:
    | '/'
    | '/devices'
    | '/waiting'
    | '/packages'
    | '/campaigns'
    | '/policies'
    | '/profiles'
    | '/groups'
    | '/boxes'
    | '/audit'
    | '/settings'
  readonly label: string
  readonly Icon: Icon
  readonly permission: Permission | null
  /** Pressed after g. */
  readonly key: string
}

/** What can be set, each at an address of its own below Settings. */
export interface SettingsPlace {
  readonly part: string
  readonly label: string
  readonly permission: Permission | null
}

export const SETTINGS_PLACES = [
  { part: 'account', label: 'You', permission: null },
  { part: 'tokens', label: 'API tokens', permission: null },
  { part: 'updates', label: 'Updates', permission: 'settings.read' },
  { part: 'people', label: 'People', permission: 'account.read' },
  { part: 'customers', label: 'Customers', permission: 'customer.read' },
  { part: 'clouds', label: 'Clouds', permission: 'cloud.read' },
  { part: 'realm', label: 'Astarte realm', permission: 'realm.read' },
  { part: 'tenants', label: 'Tenants', permission: 'tenant.read' },
] as const satisfies readonly SettingsPlace[]
export type SettingsPart = (typeof SETTINGS_PLACES)[number]['part']

export const PLACES: readonly Place[] = [
  { to: '/', label: 'Overview', Icon: IconLayoutDashboard, permission: 'device.read', key: 'o' },
  { to: '/devices', label: 'Devices', Icon: IconCpu, permission: 'device.read', key: 'd' },
  {
    to: '/waiting',
    label: 'Waiting devices',
    Icon: IconDoorEnter,
    permission: 'cloud.read',
    key: 'w',
  },
  { to: '/packages', label: 'Packages', Icon: IconPackage, permission: 'release.read', key: 'p' },
  {
    to: '/campaigns',
    label: 'Campaigns',
    Icon: IconWaveSine,
    permission: 'campaign.read',
    key: 'c',
  },
  {
    to: '/policies',
    label: 'Policies',
    Icon: IconTargetArrow,
    permission: 'policy.read',
    key: 'l',
  },
  { to: '/profiles', label: 'Profiles', Icon: IconTemplate, permission: 'profile.read', key: 'r' },
  {
    to: '/groups',
    label: 'Groups & channels',
    Icon: IconUsersGroup,
    permission: 'group.read',
    key: 'u',
  },
  { to: '/boxes', label: 'Boxes', Icon: IconRouter, permission: 'device.read', key: 'b' },
  { to: '/audit', label: 'Audit', Icon: IconClipboardList, permission: 'audit.read', key: 'a' },
  {
    to: '/settings',
    label: 'Settings',
    Icon: IconAdjustmentsHorizontal,
    permission: null,
    key: 's',
  },
]
