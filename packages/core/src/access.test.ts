import { expect, test } from 'vitest'
import {
  can,
  grantableRoles,
  PERMISSIONS,
  type Permission,
  ROLES,
  type Role,
  rolesWithin,
} from './access.ts'

/** Who may: s for system administrator, t for tenant administrator, o for operator, v for viewer, c for customer user. */
const WHO: Record<Permission, string> = {
  'tenant.read': 's',
  'tenant.write': 's',
  'customer.read': 'stov',
  'customer.write': 'st',
  'account.read': 'st',
  'account.write': 'st',
  'profile.read': 'stovc',
  'profile.write': 'sto',
  'profile.assign': 'sto',
  'device.read': 'stovc',
  'device.write': 'sto',
  'device.claim': 'c',
  'group.read': 'stov',
  'group.write': 'sto',
  'model.read': 'stov',
  'model.write': 'sto',
  'cloud.read': 'stov',
  'cloud.write': 'sto',
  'realm.read': 'stov',
  'realm.write': 'sto',
  'release.read': 'stovc',
  'release.download': 'stov',
  'release.write': 'sto',
  'assignment.write': 'stoc',
  'policy.read': 'stov',
  'policy.write': 'sto',
  'operation.write': 'stoc',
  'campaign.read': 'stov',
  'campaign.write': 'sto',
  'audit.read': 'stov',
  'settings.read': 'stov',
  'settings.write': 'st',
}

test.each(PERMISSIONS)('%s is granted to exactly those it is meant for', (permission) => {
  const granted = ROLES.filter((role) => can({ role }, permission)).map((role) => role[0])
  expect(granted.join('')).toBe(WHO[permission])
})

test.each(['constructor', 'device.*', ''])('"%s" is granted to nobody', (permission) => {
  for (const role of ROLES) expect(can({ role }, permission as Permission)).toBe(false)
})

test.each<[Role, readonly Role[]]>([
  ['system-administrator', ROLES],
  ['tenant-administrator', ['tenant-administrator', 'operator', 'viewer', 'customer-user']],
  ['operator', []],
  ['viewer', []],
  ['customer-user', []],
])('a %s gives nobody a role above its own', (role, roles) => {
  expect(grantableRoles({ role })).toEqual(roles)
})

test.each<[Role, readonly Role[]]>([
  ['system-administrator', ROLES.slice(0, 4)],
  ['operator', ['operator', 'viewer']],
  ['viewer', ['viewer']],
  ['customer-user', ['customer-user']],
])('a token of a %s never does more than it', (role, roles) => {
  expect(rolesWithin(role)).toEqual(roles)
  for (const within of roles) {
    for (const permission of PERMISSIONS.filter((each) => can({ role: within }, each))) {
      expect(can({ role }, permission)).toBe(true)
    }
  }
})
