/** What the pages change, by name of the route: what shows it is read anew, and a refusal is told. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Input, Output } from '@updraft/api/client'
import type { RouteName } from '@updraft/api/routes'
import { tellDone, tellTrouble } from '../parts/trouble.tsx'
import { api } from './client.ts'
import type { Noun } from './queries.ts'

export function useChange<N extends RouteName>(
  name: N,
  {
    touches,
    done,
    onRefused = tellTrouble,
    ifMatch,
  }: {
    touches: readonly Noun[]
    done?: string
    onRefused?: (error: Error) => void
    /** The ETag of what is changed: refused when somebody else changed it since. */
    ifMatch?: string | null
  },
) {
  const queries = useQueryClient()
  return useMutation<Output<N>, Error, Input<N>>({
    mutationFn: (input) =>
      api(name, input, ifMatch ? { headers: { 'if-match': ifMatch } } : undefined),
    onSuccess: async () => {
      if (done) tellDone(done)
      await queries.invalidateQueries({
        predicate: ({ queryKey: [noun] }) => touches.includes(noun as Noun),
      })
    },
    onError: onRefused,
  })
}
