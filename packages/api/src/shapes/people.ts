/** People, the customers and tenants they belong to, and how they come in. */
import { ROLES } from '@updraft/core'
import { z } from 'zod'
import { Id, Name, named, Time } from './words.ts'

const Password = z.string().max(1024)
const MadeUpPassword = Password.nullable().describe('if it was made up: shown this once')

export const Operator = named(
  'Operator',
  z.object({
    id: Id,
    name: z.string(),
    role: z.enum(ROLES),
    customer: z.string().nullable().describe('whose user it is; null but for a customer-user'),
    customerId: Id.nullable(),
    createdAt: Time,
  }),
)
export type Operator = z.infer<typeof Operator>

export const OperatorDraft = named(
  'OperatorDraft',
  z.object({
    name: Name.describe('to sign in with; unique among all tenants'),
    role: z.enum(ROLES),
    customerId: Id.optional().describe('for a customer-user, and for nobody else'),
    password: Password.optional().describe('made up when absent'),
  }),
)

export const OperatorWithPassword = named(
  'OperatorWithPassword',
  Operator.extend({ password: MadeUpPassword }),
)
export type OperatorWithPassword = z.infer<typeof OperatorWithPassword>

export const RoleChange = named(
  'RoleChange',
  z.object({ role: z.enum(ROLES), customerId: Id.optional() }),
)

export const PasswordReset = z.object({ password: Password.optional() })

export const PasswordShown = z.object({ password: MadeUpPassword })

export const PasswordChange = named(
  'PasswordChange',
  z.object({ password: Password.describe('the old one'), newPassword: Password }),
)

export const Customer = named(
  'Customer',
  z.object({
    id: Id,
    name: z.string(),
    deviceCount: z.int(),
    userCount: z.int(),
    createdAt: Time,
  }),
)
export type Customer = z.infer<typeof Customer>

export const Tenant = named('Tenant', z.object({ id: Id, name: z.string(), createdAt: Time }))
export type Tenant = z.infer<typeof Tenant>

export const TenantDraft = named(
  'TenantDraft',
  z.object({
    name: Name,
    administrator: z
      .object({ name: Name, password: Password.optional().describe('made up when absent') })
      .describe('the first one'),
  }),
)

export const TenantWithPassword = named(
  'TenantWithPassword',
  Tenant.extend({
    administrator: z.object({ name: z.string(), password: MadeUpPassword }),
  }),
)
export type TenantWithPassword = z.infer<typeof TenantWithPassword>

export const Session = named(
  'Session',
  z.object({
    operator: Operator,
    csrfToken: z.string().describe('send as X-CSRF-Token with every change'),
    expiresAt: Time,
  }),
)
export type Session = z.infer<typeof Session>

export const SignIn = named(
  'SignIn',
  z.object({ name: z.string().max(255), password: z.string().max(1024) }),
)

export const Token = named(
  'Token',
  z.object({
    id: Id,
    name: z.string(),
    operator: z.string(),
    role: z.enum(ROLES).describe('what it may do at most'),
    createdAt: Time,
    lastUsedAt: Time.nullable(),
    revokedAt: Time.nullable(),
  }),
)
export type Token = z.infer<typeof Token>

export const TokenWithSecret = named(
  'TokenWithSecret',
  Token.extend({ token: z.string().describe('shown this once') }),
)
export type TokenWithSecret = z.infer<typeof TokenWithSecret>
