import { expect, test } from 'vitest'
import {
  can,
  type OperatorActor,
  PERMISSIONS,
  type Permission,
  ROLES,
  type Role,
} from './access.ts'

const actor = (role: Role): OperatorActor => ({
  kind: 'operator',
  id: 'o1',
  name: 'Ada',
  tenantId: 't1',
  role,
  tokenId: null,
})

/** Who may: a for administrator, o for operator, v for viewer. */
const WHO: Record<Permission, string> = {
  'device.read': 'aov',
  'device.write': 'ao',
  'release.read': 'aov',
  'release.write': 'ao',
  'assignment.write': 'ao',
  'operation.write': 'ao',
  'audit.read': 'aov',
  'account.read': 'a',
  'account.write': 'a',
}

test.each(PERMISSIONS)('%s is granted to exactly those it is meant for', (permission) => {
  const granted = ROLES.filter((role) => can(actor(role), permission)).map((role) => role[0])
  expect(granted.join('')).toBe(WHO[permission])
})

test.each(['constructor', 'device.*', ''])('"%s" is granted to nobody', (permission) => {
  for (const role of ROLES) expect(can(actor(role), permission as Permission)).toBe(false)
})
