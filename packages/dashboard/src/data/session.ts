/** Who is signed in, and what that person may do. */
import { queryOptions, useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { ApiError, type Output } from '@updraft/api/client'
import { can, type Permission } from '@updraft/core'
import { api, keepCsrfToken } from './client.ts'

export type SignedIn = Output<'showSession'>

/** Null when nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async (): Promise<SignedIn | null> => {
    try {
      const session = await api('showSession', {})
      keepCsrfToken(session.csrfToken)
      return session
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
})

export function useSession(): SignedIn {
  const { data } = useSuspenseQuery(sessionQuery)
  if (!data) throw new Error('Nobody is signed in.')
  return data
}

/** Asks what the person may do: what they may not is not shown. */
export function useMay(): (permission: Permission) => boolean {
  const { operator } = useSession()
  return (permission) => can(operator, permission)
}

export function useSignIn() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: { name: string; password: string }) => api('signIn', { body }),
    onSuccess: (session) => {
      keepCsrfToken(session.csrfToken)
      queries.setQueryData(sessionQuery.queryKey, session)
    },
  })
}

export function useSignOut() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (where: 'here' | 'everywhere') =>
      api(where === 'here' ? 'signOut' : 'signOutEverywhere', {}),
    onSettled: () => {
      keepCsrfToken(undefined)
      queries.clear()
    },
  })
}
