/** The state of a list, in its address: what is searched, sorted and filtered survives a reload and can be sent on. */
import { useDebouncedCallback } from '@mantine/hooks'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'

const TYPING_MS = 200

export type ListState = Readonly<Record<string, string | undefined>>

export function useListState() {
  const state = useSearch({ strict: false }) as ListState
  const navigate = useNavigate()
  const change = (to: ListState) =>
    void navigate({
      to: '.',
      search: (now: ListState) => ({ ...now, ...to }),
      replace: true,
    })
  return { state, change }
}

/** A search field that writes into the address once typing pauses. */
export function useSearchField(name = 'search') {
  const { state, change } = useListState()
  const [text, setText] = useState(state[name] ?? '')
  const write = useDebouncedCallback(
    (value: string) => change({ [name]: value || undefined }),
    TYPING_MS,
  )
  return {
    value: text,
    onChange: (value: string) => {
      setText(value)
      write(value)
    },
  }
}
