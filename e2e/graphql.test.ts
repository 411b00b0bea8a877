/** Operators ask over GraphQL, change things, bring files and watch. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askGraphql, type How, type Told } from './graphql.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

const asked = (query: string, how?: How): Promise<Told> => askGraphql(platform, query, how)
/** What is answered when nothing is wrong. */
const good = async (query: string, variables?: How['variables']) => {
  const told = await asked(query, { variables })
  expect(told.errors).toEqual([])
  return told.data
}
/** What came of a mutation that is not refused. */
const done = async (query: string, variables?: How['variables']) => {
  const [payload] = Object.values(await good(query, variables)) as {
    result: Record<string, unknown>
    errors: unknown[]
  }[]
  expect(payload?.errors).toEqual([])
  return payload?.result as { id: string; uuid: string } & Record<string, unknown>
}

describe('a fleet', () => {
  let release: string
  beforeAll(async () => {
    await platform.addProfile('lamp')
    for (const name of ['lamp-1', 'lamp-2', 'lamp-3']) {
      await platform.addDevice(name, 'lamp', name === 'lamp-1' ? ['beta'] : [])
    }
    release = await platform.addRelease({
      title: 'app',
      version: '1.0.0',
      profile: 'lamp',
      bytes: new Uint8Array([1, 2, 3]),
    })
  })

  test('is read page by page, forward, from any of its devices', async () => {
    const page = (after: string | null) =>
      good(
        `query ($after: String) {
          devices(first: 2, after: $after, profile: "lamp", sort: "name") {
            count edges { cursor node { name } } pageInfo { hasNextPage endCursor }
          }
        }`,
        { after },
      )
    const { devices: first } = await page(null)
    expect(first.count).toBe(3)
    expect(first.edges.map(({ node }: { node: { name: string } }) => node.name)).toEqual([
      'lamp-1',
      'lamp-2',
    ])
    expect(first.pageInfo.hasNextPage).toBe(true)
    const { devices: last } = await page(first.pageInfo.endCursor)
    expect(last.edges).toHaveLength(1)
    expect(last.pageInfo.hasNextPage).toBe(false)
    const { devices: between } = await page(first.edges[0].cursor)
    expect(between.edges.map(({ node }: { node: { name: string } }) => node.name)).toEqual([
      'lamp-2',
      'lamp-3',
    ])
  })

  test('is filtered with the expressions of groups, and each thing has an id to ask for it by', async () => {
    const { devices } = await good(
      `{ devices(filter: "\\"beta\\" in labels") { nodes { id uuid name labels profile { name } } } }`,
    )
    expect(devices.nodes).toEqual([
      expect.objectContaining({ name: 'lamp-1', labels: ['beta'], profile: { name: 'lamp' } }),
    ])
    const { node, device, byUuid } = await good(
      `query ($id: ID!, $uuid: ID!) {
        node(id: $id) { __typename id ... on Device { name } }
        device(id: $id) { uuid }
        byUuid: device(id: $uuid) { id }
      }`,
      devices.nodes[0],
    )
    const { id, uuid } = devices.nodes[0]
    expect(node).toEqual({ __typename: 'Device', id, name: 'lamp-1' })
    expect(device).toEqual({ uuid })
    expect(byUuid).toEqual({ id })
  })

  test('shows packages, labels, who asks and for whom', async () => {
    const told = await good(`{
      packages { nodes { id title releaseCount releases { nodes { version } } } }
      labels { label devices }
      me { name role }
      tenantInfo { name }
    }`)
    expect(told.packages.nodes).toEqual([
      expect.objectContaining({
        title: 'app',
        releaseCount: 1,
        releases: { nodes: [{ version: '1.0.0' }] },
      }),
    ])
    expect(told.labels).toEqual([{ label: 'beta', devices: 1 }])
    expect(told.me.role).toBe('system-administrator')
    const { node } = await good('query ($id: ID!) { node(id: $id) { ... on Package { title } } }', {
      id: told.packages.nodes[0].id,
    })
    expect(node).toEqual({ title: 'app' })
  })

  test('is grouped, labelled, modelled and assigned to', async () => {
    const group = await done(
      `mutation { createGroup(input: {handle: "all", name: "All", expression: "true"}) {
        result { id uuid name deviceCount devices(first: 1) { nodes { groups { handle } } } } errors { message }
      } }`,
    )
    expect(group).toMatchObject({
      name: 'All',
      deviceCount: 3,
      devices: { nodes: [{ groups: [{ handle: 'all' }] }] },
    })
    const channel = await done(
      `mutation ($groups: [ID!]) { createChannel(input: {handle: "live", name: "Live", groupIds: $groups}) {
        result { id name groups { name channel { name } } } errors { message }
      } }`,
      { groups: [group.id] },
    )
    expect(channel.groups).toEqual([{ name: 'All', channel: { name: 'Live' } }])
    const { devices } = await good('{ devices(first: 1, sort: "name") { nodes { id } } }')
    const [{ id }] = devices.nodes
    const tagged = await done(
      `mutation ($id: ID!) { addDeviceTags(id: $id, input: {tags: ["x", "beta"]}) { result { labels } errors { message } } }`,
      { id },
    )
    expect(tagged.labels).toEqual(['beta', 'x'])
    const untagged = await done(
      `mutation ($id: ID!) { removeDeviceTags(id: $id, input: {tags: ["x"]}) { result { labels } errors { message } } }`,
      { id },
    )
    expect(untagged.labels).toEqual(['beta'])
    const type = await done(
      `mutation { createHardwareType(input: {handle: "board", name: "Board", partNumbers: ["b-1"]}) { result { id } errors { message } } }`,
    )
    const model = await done(
      `mutation ($type: ID!) { createSystemModel(input: {handle: "lamp", name: "Lamp", partNumbers: ["l-1"], hardwareTypeId: $type}) {
        result { name hardwareType { handle } } errors { message } } }`,
      { type: type.id },
    )
    expect(model).toEqual({ name: 'Lamp', hardwareType: { handle: 'board' } })
    const assigned = await done(
      `mutation ($id: ID!, $release: ID!) { assignRelease(input: {deviceId: $id, releaseId: $release}) {
        result { type device { name operation { state edgehogStatus } } release { version } } errors { message } } }`,
      { id, release },
    )
    expect(assigned).toMatchObject({
      type: 'firmware',
      device: { name: 'lamp-1' },
      release: { version: '1.0.0' },
    })
    const unassigned = await done(
      `mutation ($id: ID!) { unassignRelease(input: {deviceId: $id}) { result { release { id } } errors { message } } }`,
      { id },
    )
    expect(unassigned.release).toBeNull()
  })

  test('refusals stand in the answer of a mutation, with their code and what of the input they are about', async () => {
    const { createGroup, deleteChannel, createCampaign } = await good(`mutation {
      createGroup(input: {handle: "all", name: "Other", expression: "true"}) { result { id } errors { code message shortMessage fields } }
      deleteChannel(id: "0190a6f0-0000-7000-8000-000000000000") { result { id } errors { code } }
      createCampaign(input: {name: "none", channelId: "0190a6f0-0000-7000-8000-000000000000"}) { result { id } errors { code fields } }
    }`)
    expect(createGroup.result).toBeNull()
    expect(createGroup.errors).toMatchObject([{ code: 'group.duplicate' }])
    expect(deleteChannel).toEqual({ result: null, errors: [{ code: 'channel.unknown' }] })
    expect(createCampaign.errors).toEqual([
      { code: 'request.malformed', fields: ['campaignMechanism', 'releaseId'] },
    ])
  })

  test('what Edgehog says of a campaign is a campaign without waves that waits without end', async () => {
    const { channels } = await good('{ channels { nodes { id } } }')
    const campaign = await done(
      `mutation ($channel: ID!, $image: ID!) { createCampaign(input: {
        name: "edge", channelId: $channel, scheduledAtTimestamp: "2100-01-01T00:00:00Z",
        campaignMechanism: {firmwareUpgrade: {baseImageId: $image, maxFailurePercentage: 20, maxInProgressOperations: 2}}
      }) { result {
        id status channel { handle } totalTargetCount scheduledAt
        campaignMechanism { maxInProgressOperations requestRetries requestTimeoutSeconds baseImage { version } }
        settings { progressTimeoutSeconds stopRule { minFinished } waves { soakSeconds } }
      } errors { code message } } }`,
      { channel: channels.nodes[0].id, image: release },
    )
    expect(campaign).toMatchObject({
      status: 'SCHEDULED',
      channel: { handle: 'live' },
      totalTargetCount: 3,
      campaignMechanism: {
        maxInProgressOperations: 2,
        requestRetries: 3,
        requestTimeoutSeconds: 300,
        baseImage: { version: '1.0.0' },
      },
      settings: { progressTimeoutSeconds: null, stopRule: null, waves: [] },
    })
    const changed = await done(
      `mutation ($id: ID!) { updateCampaign(id: $id, input: {name: "edge 2", settings: {maxInProgress: 5}}) {
        result { name settings { maxInProgress waves { soakSeconds } } } errors { code message } } }`,
      { id: campaign.id },
    )
    expect(changed).toEqual({ name: 'edge 2', settings: { maxInProgress: 5, waves: [] } })
    const gone = await done(
      'mutation ($id: ID!) { deleteCampaign(id: $id) { result { name } errors { code } } }',
      { id: campaign.id },
    )
    expect(gone).toEqual({ name: 'edge 2' })
  })
})

describe('what is asked wrongly is refused in words', () => {
  const refused = async (query: string, variables?: How['variables']) => {
    const { status, errors } = await asked(query, { variables })
    return { status, codes: errors.map(({ extensions }) => extensions.code), errors }
  }
  const deep = (levels: number): string =>
    levels === 0 ? 'name' : `channel { groups { ${deep(levels - 1)} } }`

  test.each([
    ['a text that is no query', '{ devices(', 'request.malformed'],
    ['a field that is not there', '{ gizmos { id } }', 'request.malformed'],
    ['a value of another type', '{ devices(first: "ten") { nodes { id } } }', 'request.malformed'],
    [
      'more than one operation without a name',
      '{ me { name } } query b { me { name } }',
      'request.malformed',
    ],
    ['too deep', `{ groups(first: 1) { nodes { ${deep(6)} } } }`, 'request.too-large'],
    [
      'too dear',
      '{ devices(first: 500) { nodes { operations(first: 500) { nodes { id } } } } }',
      'request.too-large',
    ],
    [
      'the same under many names',
      `{ ${Array.from({ length: 61 }, (_, n) => `a${n}: me { name }`).join(' ')} }`,
      'request.too-large',
    ],
    ['a text of many words', `{ me { ${'name '.repeat(4100)} } }`, 'request.malformed'],
    [
      'a fragment that holds itself',
      '{ me { ...a } } fragment a on Me { ...a }',
      'request.malformed',
    ],
    ['one field again and again', `{ ${'me { name } '.repeat(101)} }`, 'request.too-large'],
    [
      'many fragments',
      `{ ...f0 } ${Array.from({ length: 101 }, (_, n) => `fragment f${n} on Query { ...f${n + 1} }`).join(' ')} fragment f101 on Query { __typename }`,
      'request.too-large',
    ],
  ])('%s', async (_what, query, code) => {
    const { status, codes } = await refused(query)
    expect({ status, codes: [...new Set(codes)] }).toEqual({ status: 400, codes: [code] })
  })

  test('a page larger than lists give, and a cursor of another list', async () => {
    expect(await refused('{ devices(first: 501) { nodes { id } } }')).toMatchObject({
      codes: ['request.malformed'],
    })
    expect(await refused('{ devices(after: "bm8=") { nodes { id } } }')).toMatchObject({
      codes: ['request.malformed'],
    })
    expect(await refused('{ device(id: "Z3JvdXA6MQ==") { name } }')).toMatchObject({
      codes: ['request.malformed'],
    })
  })

  test('several operations in one request, a body that is no JSON, one that is too large', async () => {
    const send = async (body: string) => {
      const response = await fetch(`${platform.url}/api/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
        body,
      })
      return [response.status, ((await response.json()) as { code: string }).code]
    }
    expect(await send('[{"query":"{ me { name } }"}]')).toEqual([400, 'request.malformed'])
    expect(await send('{"query":')).toEqual([400, 'request.malformed'])
    expect(await send(`{"query":"${' '.repeat(1_100_000)}"}`)).toEqual([413, 'request.too-large'])
  })

  test('the rest of what is too large is taken in, so that the next request on the same line is answered', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const statuses = []
    for (const query of [' '.repeat(5_000_000), '{ me { name } }']) {
      const asking = request(`${platform.url}/api/graphql`, {
        method: 'POST',
        agent,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      })
      asking.end(JSON.stringify({ query }))
      const [response] = (await once(asking, 'response')) as [IncomingMessage]
      response.resume()
      await once(response, 'end')
      statuses.push(response.statusCode)
    }
    agent.destroy()
    expect(statuses).toEqual([413, 200])
  })

  test.each([
    [undefined, '{ me { name } }', 200, 'application/json; charset=utf-8'],
    ['*/*', '{ me { name } }', 200, 'application/json; charset=utf-8'],
    ['text/event-stream, */*', '{ me { name } }', 200, 'application/json; charset=utf-8'],
    [
      'application/graphql-response+json, application/json;q=0.9',
      '{ me { name } }',
      200,
      'application/graphql-response+json; charset=utf-8',
    ],
    [
      'application/graphql-response+json',
      '{ gizmos }',
      400,
      'application/graphql-response+json; charset=utf-8',
    ],
    ['text/event-stream', '{ me { name } }', 200, 'text/event-stream; charset=utf-8'],
    ['text/event-stream', '{ gizmos }', 200, 'text/event-stream; charset=utf-8'],
  ])('who accepts %s is answered %s with %i in %s', async (accept, query, status, type) => {
    const response = await fetch(`${platform.url}/api/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...(accept && { accept }) },
      body: JSON.stringify({ query }),
    })
    expect([response.status, response.headers.get('content-type')]).toEqual([status, type])
    const text = await response.text()
    if (!type.startsWith('text/event-stream')) JSON.parse(text)
    else expect(text).toMatch(/^:\n\nevent: next\ndata: \{.*\}\n\nevent: complete\ndata:\n\n$/)
  })

  test('a mutation by GET; a question by GET is answered', async () => {
    const get = async (query: string) => {
      const url = `${platform.url}/api/graphql?query=${encodeURIComponent(query)}`
      const response = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
      return { status: response.status, ...((await response.json()) as object) }
    }
    expect(await get('{ me { role } }')).toEqual({
      status: 200,
      data: { me: { role: 'system-administrator' } },
    })
    expect(
      await get(
        'mutation { createGroup(input: {handle: "g", name: "g", expression: "true"}) { result { id } } }',
      ),
    ).toMatchObject({ status: 400, errors: [{ extensions: { code: 'request.malformed' } }] })
  })

  test('nobody is told anything without signing in, not even what could be asked', async () => {
    const response = await fetch(`${platform.url}/api/graphql`, {
      method: 'POST',
      body: JSON.stringify({ query: '{ __schema { types { name } } }' }),
    })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ code: 'access.unauthenticated' })
    const { data } = await asked('{ __schema { queryType { name } } }')
    expect(data.__schema.queryType.name).toBe('Query')
  })
})
