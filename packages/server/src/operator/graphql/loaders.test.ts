import type { Device, Operation } from '@updraft/api/shapes'
import { DomainError } from '@updraft/core'
import { GraphQLError } from 'graphql'
import { expect, test } from 'vitest'
import type { Several } from '../../app/several.ts'
import type { Asking } from '../asking.ts'
import type { GraphqlContext } from './context.ts'
import { carryOut } from './execution.ts'
import { loaders } from './loaders.ts'

const NOW = '2026-01-01T00:00:00.000Z'
const idOf = (number: number) => `0190a6f0-0000-7000-8000-${String(number).padStart(12, '0')}`
const operationOf = (number: number) =>
  ({
    id: idOf(number),
    deviceId: idOf(number),
    release: { id: idOf(number % 3), title: 'os', version: '1' },
    state: 'QUEUED',
    progress: 0,
  }) as Operation
const device = (_: unknown, number: number) =>
  ({
    id: idOf(number),
    name: `device ${number}`,
    profileId: idOf(number % 7),
    systemModel: { id: idOf(number % 5), handle: 'm', name: 'M' },
    operation: operationOf(number),
    components: {},
  }) as Device

test('a text that is nested deeper than the stack holds is refused in words', async () => {
  const told: unknown[] = []
  const tell = (error: unknown) => {
    told.push(error)
    return new GraphQLError(String(error))
  }
  const within = (levels: number): ReturnType<typeof carryOut> =>
    levels === 0
      ? carryOut(
          { query: `{ a(b: ${'['.repeat(1990)}`, operationName: undefined, variables: {} },
          {} as GraphqlContext,
          { mayChange: true, tell },
        )
      : within(levels - 1)
  const isRefused = async (levels: number) => {
    try {
      await within(levels)
      return told.some(
        (error) => error instanceof DomainError && error.code === 'request.too-large',
      )
    } catch {
      return false
    }
  }
  let levels = 0
  while (levels < 20_000 && !(await isRefused(levels))) levels += 100
  expect(told.at(-1)).toMatchObject({ code: 'request.too-large' })
})

test('a page of a hundred devices with all that belongs to them reads each kind of thing once', async () => {
  const read: string[] = []
  const asked: string[] = []
  const counted = (kind: string) => async (_actor: unknown, ids: readonly string[]) => {
    read.push(`${kind}: ${ids.length}`)
    const found = ids.map((id) => ({
      id,
      name: kind,
      handle: kind,
      title: 'os',
      partNumbers: [],
      assignments: {},
      createdAt: new Date(NOW),
    }))
    if (kind === 'pairings') return []
    return kind === 'groups' ? new Map(ids.map((id, index) => [id, [found[index]]])) : found
  }
  const several = {
    profiles: counted('profiles'),
    releases: counted('releases'),
    systemModels: counted('models'),
    groupsOfDevices: counted('groups'),
    pairings: counted('pairings'),
  } as unknown as Several
  const asking = {
    actor: {},
    ask: async (name: string) => {
      asked.push(name)
      return { items: Array.from({ length: 100 }, device), nextCursor: null }
    },
    under: (_name: string, work: (actor: unknown) => Promise<unknown>) => work({}),
  } as unknown as Asking
  const clock = { now: () => new Date(NOW) }
  const context = { asking, clock, load: loaders({ asking, clock, several }) } as GraphqlContext
  const answer = await carryOut(
    {
      query: `{ devices(first: 100) { nodes {
        name pairing { astarteId } profile { name } systemModel { name } groups { name channel { name } } operation { state release { title } } } } }`,
      operationName: undefined,
      variables: {},
    },
    context,
    { mayChange: true, tell: (error) => new GraphQLError(String(error)) },
  )
  expect(answer).not.toHaveProperty('errors')
  expect(asked).toEqual(['listDevices'])
  expect(read.toSorted()).toEqual([
    'groups: 100',
    'models: 5',
    'pairings: 100',
    'profiles: 7',
    'releases: 3',
  ])
})
