/** Who asks, and whose things they are. */
import type * as api from '@updraft/api/shapes'
import { tenantView } from '../views.ts'
import { builder } from './builder.ts'

const MeType = builder.objectRef<api.Operator>('Me').implement({
  fields: (t) => ({
    uuid: t.exposeID('id'),
    name: t.exposeString('name'),
    role: t.exposeString('role'),
    customer: t.exposeString('customer', { nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

builder.queryField('me', (t) =>
  t.field({
    type: MeType,
    description: 'Who asks.',
    resolve: async (_root, _args, { asking }) => (await asking.ask('showSession', {})).operator,
  }),
)

const TenantType = builder.objectRef<api.Tenant>('TenantInfo').implement({
  fields: (t) => ({
    uuid: t.exposeID('id'),
    name: t.exposeString('name'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

builder.queryField('tenantInfo', (t) =>
  t.field({
    type: TenantType,
    description: 'The tenant the caller belongs to.',
    resolve: (_root, _args, { asking, tenant }) =>
      asking.under('showSession', async () => tenantView(await tenant())),
  }),
)
