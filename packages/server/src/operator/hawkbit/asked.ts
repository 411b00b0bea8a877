/** What the rooms of hawkBit's API are given of one request. */

import type { Asking } from '../asking.ts'
import type { OperatorNeeds } from '../call.ts'
import type { Addresses } from './documents.ts'

export interface Asked {
  readonly asks: Asking
  readonly at: Addresses
  readonly needs: OperatorNeeds
}
