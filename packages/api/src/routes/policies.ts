/** Policies, one a release. */
import { z } from 'zod'
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

const id = z.object({ id: shapes.Id })

const ofRelease = {
  path: '/releases/:id/policy',
  tag: 'policies',
  params: id,
} as const

export const POLICY_ROUTES = {
  listPolicies: {
    method: 'GET',
    path: '/policies',
    summary: 'Policies: which devices get a release by themselves',
    tag: 'policies',
    permission: 'policy.read',
    query: shapes.PolicyQuery,
    response: shapes.page(shapes.Policy),
  },
  listPolicyStatistics: {
    method: 'GET',
    path: '/policies/statistics',
    summary: 'By release: who asked, was offered it or held back, and how they fared',
    tag: 'policies',
    permission: 'policy.read',
    query: shapes.PolicyQuery,
    response: shapes.page(shapes.PolicyStatistics),
  },
  checkPolicy: {
    method: 'POST',
    path: '/policies/check',
    summary: 'Whether an expression can be used for a release, and what may not be meant by it',
    tag: 'policies',
    permission: 'policy.read',
    body: shapes.PolicyCheckRequest,
    response: shapes.PolicyCheck,
  },
  countPolicy: {
    method: 'POST',
    path: '/policies/count',
    summary: 'For how many devices an expression holds now',
    tag: 'policies',
    permission: 'policy.read',
    body: shapes.PolicyCountRequest,
    response: shapes.PolicyMatches,
  },
  tryPolicy: {
    method: 'POST',
    path: '/policies/try',
    summary: 'Whether it holds for one device, and what that device would be offered and why',
    tag: 'policies',
    permission: 'policy.read',
    body: shapes.PolicyTryRequest,
    response: shapes.PolicyTrial,
  },
  showPolicy: {
    ...ofRelease,
    method: 'GET',
    summary: 'The policy of a release',
    permission: 'policy.read',
    response: shapes.Policy,
  },
  putPolicy: {
    ...ofRelease,
    method: 'PUT',
    summary: 'Give a release a policy, or another one; takes If-Match',
    permission: 'policy.write',
    body: shapes.PolicyDraft,
    response: shapes.Policy,
  },
  removePolicy: {
    ...ofRelease,
    method: 'DELETE',
    summary: 'Remove the policy of a release; what devices have begun goes on',
    permission: 'policy.write',
    response: 'nothing',
  },
  enablePolicy: {
    ...ofRelease,
    method: 'POST',
    path: '/releases/:id/policy/enable',
    summary: 'Offer the release to devices that ask from now on',
    permission: 'policy.write',
    response: shapes.Policy,
  },
  disablePolicy: {
    ...ofRelease,
    method: 'POST',
    path: '/releases/:id/policy/disable',
    summary: 'Offer the release to nobody new',
    permission: 'policy.write',
    response: shapes.Policy,
  },
  listPolicyDevices: {
    ...ofRelease,
    method: 'GET',
    path: '/releases/:id/policy/devices',
    summary: 'Devices that were offered it or held back, and why',
    permission: 'policy.read',
    query: shapes.PolicyDeviceQuery,
    response: shapes.page(shapes.PolicyDevice),
  },
} as const satisfies Record<string, Route>
