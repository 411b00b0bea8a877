/**
 * Every mutation of GraphQL, asked by those who may not: refused as its route would be, and noted. And things of others
 * are not there, whichever way they are asked for.
 */
import type { Role } from '@updraft/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askGraphql } from './graphql.ts'
import { addOperator } from './operator.ts'
import { type OtherTenant, otherTenant } from './other-tenant.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const NOBODYS = '0190a6f0-0000-7000-8000-000000000000'
const byId = `(id: "${NOBODYS}")`
const changeOf = (input: string) => `(id: "${NOBODYS}", input: {${input}})`
const marks = 'handle: "h", name: "H"'

/** What is asked, the route whose permission it needs, and who may not. */
interface Row {
  readonly args: string
  readonly route: string
  readonly mayNot: readonly Role[]
}
const row = (
  route: string,
  args: string,
  mayNot: readonly Role[] = ['viewer', 'customer-user'],
): Row => ({
  args,
  route,
  mayNot,
})

const ROWS: Readonly<Record<string, Row>> = {
  addDeviceTags: row('changeDevice', changeOf('tags: ["x"]')),
  approveWave: row('approveCampaign', byId),
  assignRelease: row(
    'assignToDevice',
    `(input: {releaseId: "${NOBODYS}", deviceId: "${NOBODYS}"})`,
    ['viewer'],
  ),
  cancelCampaign: row('cancelCampaign', byId),
  cancelOtaOperation: row('cancelOperation', byId, ['viewer']),
  createCampaign: row(
    'createCampaign',
    `(input: {name: "c", releaseId: "${NOBODYS}", expression: "true"})`,
  ),
  createChannel: row('createChannel', `(input: {${marks}})`),
  createGroup: row('createGroup', `(input: {${marks}, expression: "true"})`),
  createHardwareType: row('createHardwareType', `(input: {${marks}, partNumbers: ["p"]})`),
  createManualOtaOperation: row(
    'updateByHand',
    `(input: {deviceId: "${NOBODYS}", baseImageUrl: "https://x.test/a"})`,
  ),
  createRelease: row(
    'createRelease',
    `(input: {title: "t", version: "1", profileId: "${NOBODYS}", url: "https://x.test/a"})`,
  ),
  createSystemModel: row('createSystemModel', `(input: {${marks}, partNumbers: ["p"]})`),
  deleteCampaign: row('removeCampaign', byId),
  deleteChannel: row('removeChannel', byId),
  deleteGroup: row('removeGroup', byId),
  deleteHardwareType: row('removeHardwareType', byId),
  deleteRelease: row('removeRelease', byId),
  deleteSystemModel: row('removeSystemModel', byId),
  pauseCampaign: row('pauseCampaign', byId),
  removeDeviceTags: row('changeDevice', changeOf('tags: ["x"]')),
  resumeCampaign: row('resumeCampaign', byId),
  retryCampaign: row('retryCampaign', byId),
  retryOtaOperation: row('retryOperation', byId, ['viewer']),
  rollBackCampaign: row('rollBackCampaign', byId),
  unassignRelease: row('unassignFromDevice', `(input: {deviceId: "${NOBODYS}"})`, ['viewer']),
  updateCampaign: row('changeCampaign', changeOf('name: "x"')),
  updateChannel: row('changeChannel', changeOf('name: "x"')),
  updateDevice: row('changeDevice', changeOf('name: "x"')),
  updateGroup: row('changeGroup', changeOf('name: "x"')),
  updateHardwareType: row('changeHardwareType', changeOf('name: "x"')),
  updateRelease: row('changeRelease', changeOf('description: "x"')),
  updateSystemModel: row('changeSystemModel', changeOf('name: "x"')),
}

let platform: TestPlatform
const tokens: Partial<Record<Role, string>> = {}
beforeAll(async () => {
  platform = await testPlatform()
  for (const role of ['viewer', 'operator', 'customer-user'] as const) {
    tokens[role] = await addOperator(platform, { name: role, role })
  }
})
afterAll(() => platform.stop())

test('no mutation is without a row', async () => {
  const { data } = await askGraphql(platform, '{ __schema { mutationType { fields { name } } } }')
  const names = data.__schema.mutationType.fields.map(({ name }: { name: string }) => name)
  expect(Object.keys(ROWS).toSorted()).toEqual(names.toSorted())
})

describe.each(Object.entries(ROWS))('%s', (name, { args, route, mayNot }) => {
  const query = `mutation { ${name}${args} { result { __typename } errors { code } } }`

  test.each(mayNot)('is refused to a %s, and noted', async (role) => {
    const token = tokens[role]
    const { data } = await askGraphql(platform, query, { ...(token && { token }) })
    expect(data[name]).toEqual({ result: null, errors: [{ code: 'access.denied' }] })
    const { items } = await platform.api('listEvents', {
      query: { kind: 'action.refused', actor: role, limit: 1 },
    })
    expect(items[0]).toMatchObject({
      reason: { code: 'access.denied' },
      data: { action: route },
    })
  })

  test('what an operator may not do to things that are not there is a refusal of another kind', async () => {
    const { data } = await askGraphql(platform, query, { token: tokens.operator ?? '' })
    for (const { code } of data[name].errors) expect(code).not.toMatch(/^access\./)
  })
})

describe('things of others', () => {
  /** One of each node of the first tenant, by its global id. */
  const ids = new Map<string, string>()
  let theirs: OtherTenant

  beforeAll(async () => {
    await platform.addProfile('lamp')
    await platform.addDevice('lamp-1', 'lamp')
    const release = await platform.addRelease({
      title: 'app',
      version: '1',
      profile: 'lamp',
      bytes: new Uint8Array([1]),
    })
    await platform.assign(release, { device: 'lamp-1' })
    await platform.until('lamp-1', ({ operation }) => operation !== null)
    await askGraphql(
      platform,
      `mutation ($release: ID!) {
        createGroup(input: {handle: "g", name: "G", expression: "true"}) { result { id } }
        createChannel(input: {handle: "c", name: "C"}) { result { id } }
        createHardwareType(input: {handle: "t", name: "T", partNumbers: ["t"]}) { result { id } }
        createSystemModel(input: {handle: "m", name: "M", partNumbers: ["m"]}) { result { id } }
        createCampaign(input: {name: "c", releaseId: $release, expression: "true", scheduledAtTimestamp: "2100-01-01T00:00:00Z"}) { result { id } }
      }`,
      { variables: { release } },
    )
    const { data } = await askGraphql(
      platform,
      `{ devices { nodes { id operation { id } } } profiles { nodes { id } } releases { nodes { id } }
         packages { nodes { id } } groups { nodes { id } } channels { nodes { id } }
         hardwareTypes { nodes { id } } systemModels { nodes { id } } campaigns { nodes { id } } }`,
    )
    for (const [list, { nodes }] of Object.entries(data) as [
      string,
      { nodes: { id: string; operation?: { id: string } }[] },
    ][]) {
      expect(nodes.length, list).toBeGreaterThan(0)
      ids.set(list, nodes[0]?.id ?? '')
      if (nodes[0]?.operation) ids.set('operations', nodes[0].operation.id)
    }
    theirs = await otherTenant(platform, { name: 'theirs', administrator: 'their administrator' })
  })

  const nodesAs = async (token: string) => {
    const { data, errors } = await askGraphql(
      platform,
      'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }',
      { variables: { ids: [...ids.values()] }, token },
    )
    return { found: data.nodes.filter((node: unknown) => node !== null), errors }
  }

  test('are there for who has them', async () => {
    const { data } = await askGraphql(
      platform,
      'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
      { variables: { ids: [...ids.values()] } },
    )
    expect(data.nodes.map(({ id }: { id: string }) => id)).toEqual([...ids.values()])
    expect(ids.size).toBe(10)
  })

  test('are not there for another tenant', async () => {
    expect(await nodesAs(theirs.token)).toEqual({ found: [], errors: [] })
    const { data } = await askGraphql(
      platform,
      `{ devices { count nodes { id } } campaigns { nodes { id } } labels { label } tenantInfo { name } }`,
      { token: theirs.token },
    )
    expect(data).toEqual({
      devices: { count: 0, nodes: [] },
      campaigns: { nodes: [] },
      labels: [],
      tenantInfo: { name: 'theirs' },
    })
  })

  test('are not there for a customer, who is denied what no customer may see', async () => {
    const { found, errors } = await nodesAs(tokens['customer-user'] ?? '')
    expect(found).toEqual([])
    expect(new Set(errors.map(({ extensions }) => extensions.code))).toEqual(
      new Set(['access.denied']),
    )
  })

  test('a field that a role may not see leaves the rest of a thing there', async () => {
    const { items } = await platform.api('listCustomers', { query: {} })
    await platform.api('createDevice', {
      body: { name: 'of theirs', profile: 'lamp', customerId: items[0]?.id },
    })
    const { data, errors } = await askGraphql(
      platform,
      '{ devices { nodes { name groups { name } pairing { astarteId } } } }',
      { token: tokens['customer-user'] ?? '' },
    )
    expect(data.devices.nodes).toEqual([{ name: 'of theirs', groups: null, pairing: null }])
    expect(errors).toMatchObject([{ extensions: { code: 'access.denied' } }])
  })

  test('a session asks with its CSRF token, and not without', async () => {
    const ask = async (headers: Record<string, string>) => {
      const response = await fetch(`${platform.url}/api/graphql`, {
        method: 'POST',
        headers: { cookie: theirs.cookie, ...headers },
        body: JSON.stringify({ query: '{ me { name } }' }),
      })
      return [response.status, await response.json()]
    }
    expect(await ask({ 'x-csrf-token': theirs.csrfToken })).toEqual([
      200,
      { data: { me: { name: 'their administrator' } } },
    ])
    expect(await ask({})).toMatchObject([403, { code: 'access.csrf' }])
  })
})
