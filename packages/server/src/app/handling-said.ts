/** How an update is to be brought, as the audit log has it: nothing where that is as ever. */
import { type Handling, type JsonObject, STANDARD_HANDLING, sameHandling } from '@updraft/core'

export const saidOf = (handling: Handling): JsonObject =>
  sameHandling(handling, STANDARD_HANDLING) ? {} : { handling: { ...handling } }
