/** What operators have said of boxes: where those of a profile reach the server, and what is set for one. */
import { queryOptions, useQuery } from '@tanstack/react-query'
import { ApiError, type Input, type Output } from '@updraft/api/client'
import { api } from './client.ts'
import { read } from './queries.ts'
import { useMay } from './session.ts'

export type BoxData = Output<'showBox'>
export type BoxForm = Input<'setBoxForm'>['body']

/** Null: nothing is said of boxes of that profile, which is an answer. */
const boxServerQuery = (profileId: string) =>
  queryOptions({
    queryKey: ['profiles', 'showBoxServer', profileId],
    queryFn: ({ signal }) =>
      api('showBoxServer', { params: { id: profileId } }, { signal }).catch((error) => {
        if (error instanceof ApiError && error.code === 'box.server-none') return null
        throw error
      }),
  })

export function useBoxServer(profileId: string) {
  const may = useMay()
  return useQuery({ ...boxServerQuery(profileId), enabled: may('cloud.read') })
}

/** That a box has done what it was asked to need not be an event, and is looked for so often. */
const LOOK_EVERY_MS = 3_000

export const useBox = (deviceId: string) =>
  useQuery({
    ...read('devices', 'showBox', { params: { id: deviceId } }),
    refetchInterval: ({ state }) => (state.data?.wishes.length ? LOOK_EVERY_MS : false),
  })

/** Changes what is set for a box as it is now; refused if somebody else does so at the same moment. */
export async function changeForm(
  deviceId: string,
  change: (form: BoxForm) => BoxForm,
): Promise<void> {
  const params = { id: deviceId }
  let etag: string | null = null
  const onHeaders = (headers: Headers) => {
    etag = headers.get('etag')
  }
  const { form } = await api('showBox', { params }, { onHeaders })
  const headers = etag === null ? undefined : { 'if-match': etag }
  await api('setBoxForm', { params, body: change(form) }, { headers })
}
