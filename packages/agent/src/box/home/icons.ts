/** Signs that go with a word: colour alone says nothing. */
import { Html } from './html.ts'

const PATHS = {
  check: 'M4.5 12.5l5 5 10-11',
  cross: 'M6 6l12 12M18 6L6 18',
  clock: 'M12 7v5l3.5 2M12 3a9 9 0 100 18 9 9 0 000-18z',
  down: 'M12 4v12m-5-5l5 5 5-5M5 20h14',
  gear: 'M12 8.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7zM12 2.5v3m0 13v3m9.500-9.500h-3m-13 0h-3m15.700-6.700l-2.100 2.100m-9.200 9.200l-2.100 2.100m13.400 0l-2.100-2.100m-9.200-9.200L5.300 5.300',
  pause: 'M9 5v14M15 5v14',
  back: 'M9 6L4 11l5 5M4 11h10a6 6 0 010 12',
  dash: 'M6 12h12',
  plug: 'M9 3v5m6-5v5M7 8h10v4a5 5 0 01-10 0zm5 9v4',
  hand: 'M12 3l9.500 17h-19zM12 10v4m0 3v.5',
} as const

export type Icon = keyof typeof PATHS

export const icon = (name: Icon): Html =>
  new Html(
    `<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="${PATHS[name]}"/></svg>`,
  )
