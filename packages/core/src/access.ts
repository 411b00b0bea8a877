/** Who may do what. Every operator action is asked here once, before it is begun. */
import { DomainError } from './errors.ts'

/** From the one who may most to the one who may least; a customer's user stands apart. */
export const ROLES = [
  'system-administrator',
  'tenant-administrator',
  'operator',
  'viewer',
  'customer-user',
] as const
export type Role = (typeof ROLES)[number]

export const PERMISSIONS = [
  'tenant.read',
  'tenant.write',
  'customer.read',
  'customer.write',
  'account.read',
  'account.write',
  'profile.read',
  'profile.write',
  'profile.assign',
  'device.read',
  'device.write',
  'device.claim',
  'group.read',
  'group.write',
  'model.read',
  'model.write',
  'cloud.read',
  'cloud.write',
  'realm.read',
  'realm.write',
  'release.read',
  'release.download',
  'release.write',
  'assignment.write',
  'policy.read',
  'policy.write',
  'operation.write',
  'campaign.read',
  'campaign.write',
  'audit.read',
  'settings.read',
  'settings.write',
] as const
export type Permission = (typeof PERMISSIONS)[number]

const VIEWER: readonly Permission[] = [
  'customer.read',
  'profile.read',
  'device.read',
  'group.read',
  'model.read',
  'cloud.read',
  'realm.read',
  'release.read',
  'release.download',
  'policy.read',
  'campaign.read',
  'audit.read',
  'settings.read',
]
const OPERATOR: readonly Permission[] = [
  ...VIEWER,
  'profile.write',
  'profile.assign',
  'device.write',
  'group.write',
  'model.write',
  'cloud.write',
  'realm.write',
  'release.write',
  'assignment.write',
  'policy.write',
  'operation.write',
  'campaign.write',
]
const TENANT_ADMINISTRATOR: readonly Permission[] = [
  ...OPERATOR,
  'customer.write',
  'account.read',
  'account.write',
  'settings.write',
]

const GRANTS: Readonly<Record<Role, readonly Permission[]>> = {
  'system-administrator': [...TENANT_ADMINISTRATOR, 'tenant.read', 'tenant.write'],
  'tenant-administrator': TENANT_ADMINISTRATOR,
  operator: OPERATOR,
  viewer: VIEWER,
  // All of it within the customer's own devices: what a unit of work is opened for sees to that.
  'customer-user': [
    'profile.read',
    'device.read',
    'device.claim',
    'release.read',
    'assignment.write',
    'operation.write',
  ],
}

/** A person, or a program with a person's token, within one tenant. */
export interface OperatorActor {
  readonly kind: 'operator'
  readonly id: string
  readonly name: string
  readonly tenantId: string
  /** The customer whose user it is; null for everyone else. */
  readonly customerId: string | null
  readonly role: Role
  /** The API token it came with; null for a dashboard session. */
  readonly tokenId: string | null
  /** The address it came from, as the door saw it. */
  readonly from: string
  readonly via: Via
}

/** By what an operator came: signed in, with name and password each time, or with the API token of that name. */
export type Via = 'session' | 'password' | `token ${string}`

export const can = (actor: Pick<OperatorActor, 'role'>, permission: Permission): boolean =>
  GRANTS[actor.role].includes(permission)

/** The roles a person of that role may act in with a token that is to do less: its own, and those below. */
export const rolesWithin = (role: Role): readonly Role[] =>
  role === 'customer-user' ? [role] : ROLES.slice(ROLES.indexOf(role), -1)

/** What a token does whose maker has that role: what it was made for, and never more than its maker may by now. */
export const roleOfToken = (maker: Role, madeFor: Role | null): Role =>
  madeFor !== null && rolesWithin(maker).includes(madeFor) ? madeFor : maker

/** The roles an actor may give to others and take from them: none above its own. */
export const grantableRoles = (actor: Pick<OperatorActor, 'role'>): readonly Role[] =>
  can(actor, 'account.write') ? [...rolesWithin(actor.role), 'customer-user'] : []

/** Those who keep the accounts of their tenant. */
export const ADMINISTRATORS: readonly Role[] = ROLES.filter((role) =>
  can({ role }, 'account.write'),
)

/**
 * Whether the actor may make somebody, or make somebody into, a person of that role and customer. Refuses with
 * access.denied for a role above its own, operator.invalid for a customer's user without a customer or another with.
 */
export function checkGrant(
  actor: Pick<OperatorActor, 'role'>,
  { role, customerId }: { role: Role; customerId: string | null },
): void {
  if (!grantableRoles(actor).includes(role)) {
    throw new DomainError('access.denied', `A ${actor.role} may not decide who is a ${role}.`)
  }
  if ((role === 'customer-user') !== (customerId !== null)) {
    throw new DomainError(
      'operator.invalid',
      'A customer-user has a customer, and nobody else has one.',
    )
  }
}

/** Whether the tokens and sessions of one who had the first role may do more than the second does. */
export const isDemotion = (from: Role, to: Role): boolean => !rolesWithin(to).includes(from)

const MIN_PASSWORD_LENGTH = 10

/** A password a person chose. Refuses with operator.invalid. */
export function checkedPassword(password: string): string {
  if (password.length >= MIN_PASSWORD_LENGTH) return password
  throw new DomainError(
    'operator.invalid',
    `A password has at least ${MIN_PASSWORD_LENGTH} characters.`,
  )
}
