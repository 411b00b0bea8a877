/** Who may do what. Every operator action is asked here once, before it is begun. */

export const ROLES = ['administrator', 'operator', 'viewer'] as const
export type Role = (typeof ROLES)[number]

export const PERMISSIONS = [
  'device.read',
  'device.write',
  'release.read',
  'release.write',
  'assignment.write',
  'operation.write',
  'audit.read',
  'account.read',
  'account.write',
] as const
export type Permission = (typeof PERMISSIONS)[number]

const GRANTS: Readonly<Record<Role, readonly Permission[]>> = {
  administrator: PERMISSIONS,
  operator: [
    'device.read',
    'device.write',
    'release.read',
    'release.write',
    'assignment.write',
    'operation.write',
    'audit.read',
  ],
  viewer: ['device.read', 'release.read', 'audit.read'],
}

/** A person, or a program with a person's token, within one tenant. */
export interface OperatorActor {
  readonly kind: 'operator'
  readonly id: string
  readonly name: string
  readonly tenantId: string
  readonly role: Role
  /** The API token it came with; null for a dashboard session. */
  readonly tokenId: string | null
}

export const can = (actor: OperatorActor, permission: Permission): boolean =>
  GRANTS[actor.role].includes(permission)
