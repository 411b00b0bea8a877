/**
 * What the pages read, by name of the route. A key begins with the noun, so that word of a change to that noun
 * finds everything that shows it.
 */
import {
  type InfiniteData,
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
} from '@tanstack/react-query'
import type { Input, Output } from '@updraft/api/client'
import type { RouteName } from '@updraft/api/routes'
import { api } from './client.ts'

export type Noun =
  | 'overview'
  | 'devices'
  | 'profiles'
  | 'releases'
  | 'assignments'
  | 'operations'
  | 'campaigns'
  | 'policies'
  | 'registrations'
  | 'clouds'
  | 'realm'
  | 'groups'
  | 'audit'
  | 'accounts'
  | 'settings'
  | 'logs'

/** One answer of a route that reads. */
export const read = <N extends RouteName>(noun: Noun, name: N, input: Input<N>) =>
  queryOptions({
    queryKey: [noun, name, input],
    queryFn: ({ signal }) => api(name, input, { signal }),
    placeholderData: keepPreviousData,
  })

/**
 * One answer to be changed by hand, with the ETag it came with: read anew whenever the form is opened, and left alone
 * while it is.
 */
export const readToChange = <N extends RouteName>(noun: Noun, name: N, input: Input<N>) =>
  queryOptions({
    queryKey: [noun, name, input, 'to change'],
    queryFn: async ({ signal }) => {
      let etag: string | null = null
      const onHeaders = (headers: Headers) => {
        etag = headers.get('etag')
      }
      return { its: await api(name, input, { signal, onHeaders }), etag: etag as string | null }
    },
    staleTime: 'static',
    gcTime: 0,
  })

type ListRoute = {
  [N in RouteName]: Output<N> extends { items: unknown[]; nextCursor: string | null } ? N : never
}[RouteName]

export type ItemOf<N extends ListRoute> = Output<N> extends { items: (infer T)[] } ? T : never

/** A list, page by page as it is scrolled. */
export const list = <N extends ListRoute>(noun: Noun, name: N, input: Input<N>) =>
  infiniteQueryOptions({
    queryKey: [noun, name, input, 'pages'],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ signal, pageParam }) => {
      const { query, ...rest } = input as { query?: object }
      const paged = { ...rest, query: { ...query, cursor: pageParam } }
      const page: unknown = await api(name, paged as Input<N>, { signal })
      return page as { items: ItemOf<N>[]; nextCursor: string | null }
    },
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  })

type Pages<T> = InfiniteData<{ items: T[]; nextCursor: string | null }, string | undefined>

/** For lists of what has no id of its own: a row is known by that of what it is about. */
export const rowsBy =
  <T>(idOf: (item: T) => string) =>
  (data: Pages<T>): Pages<T & { readonly id: string }> => ({
    ...data,
    pages: data.pages.map((page) => ({
      ...page,
      items: page.items.map((item) => ({ ...item, id: idOf(item) })),
    })),
  })
