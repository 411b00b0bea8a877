/** The handlers of the routes about API tokens, operators, customers and tenants. */
import type { PEOPLE_ROUTES } from '@updraft/api/routes/people'
import type { Handlers, OperatorNeeds } from './call.ts'
import { customerView, operatorView, pageView, tenantView, tokenView } from './views.ts'

export function peopleHandlers({
  accounts,
  customers,
  operators,
  tenants,
}: Pick<OperatorNeeds, 'accounts' | 'customers' | 'operators' | 'tenants'>): Pick<
  Handlers,
  keyof typeof PEOPLE_ROUTES
> {
  return {
    listTokens: async ({ input: { query }, caller: { actor } }) =>
      pageView(await accounts.listTokens(actor, query), tokenView),
    createToken: async ({ input: { body }, caller: { actor } }) => {
      const { token, secret } = await accounts.createToken(actor, body)
      return { ...tokenView(token), token: secret }
    },
    revokeToken: async ({ input: { params }, caller: { actor } }) => {
      await accounts.revokeToken(actor, params.id)
    },
    listOperators: async ({ input: { query }, caller: { actor } }) =>
      pageView(await operators.list(actor, query), operatorView),
    createOperator: async ({ input: { body }, caller: { actor } }) => {
      const { operator, password } = await operators.create(actor, body)
      return { ...operatorView(operator), password }
    },
    showOperator: async ({ input: { params }, caller: { actor } }) =>
      operatorView(await operators.show(actor, params.id)),
    changeOperator: async ({ input: { params, body }, caller: { actor } }) =>
      operatorView(await operators.setRole(actor, params.id, body)),
    resetPassword: ({ input: { params, body }, caller: { actor } }) =>
      operators.resetPassword(actor, params.id, body.password),
    removeOperator: async ({ input: { params }, caller: { actor } }) => {
      await operators.remove(actor, params.id)
    },
    listCustomers: async ({ input: { query }, caller: { actor } }) =>
      pageView(await customers.list(actor, query), customerView),
    createCustomer: async ({ input: { body }, caller: { actor } }) =>
      customerView(await customers.create(actor, body)),
    showCustomer: async ({ input: { params }, caller: { actor } }) =>
      customerView(await customers.show(actor, params.id)),
    changeCustomer: async ({ input: { params, body }, caller: { actor } }) =>
      customerView(await customers.rename(actor, params.id, body.name)),
    removeCustomer: async ({ input: { params }, caller: { actor } }) => {
      await customers.remove(actor, params.id)
    },
    listTenants: async ({ input: { query }, caller: { actor } }) =>
      pageView(await tenants.list(actor, query), tenantView),
    createTenant: async ({ input: { body }, caller: { actor } }) => {
      const { tenant, administrator } = await tenants.create(actor, body)
      return { ...tenantView(tenant), administrator }
    },
    changeTenant: async ({ input: { params, body }, caller: { actor } }) =>
      tenantView(await tenants.rename(actor, params.id, body.name)),
    removeTenant: async ({ input: { params }, caller: { actor } }) => {
      await tenants.remove(actor, params.id)
    },
  }
}
