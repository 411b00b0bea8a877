/** What devices are asked for their updates, where they are asked rather than answered. */

/** What stays the same however often it is asked. */
export interface OperationRequest {
  readonly operationId: string
  readonly url: string
}

/** On single statements. */
export interface RequestsAtWork {
  /**
   * The request for that operation is about to be sent: the address is this one only if it has none yet. Answers what is
   * to be sent, once it is kept; null when the operation is there no more.
   */
  sending(
    request: OperationRequest & { readonly deviceId: string },
    at: Date,
  ): Promise<OperationRequest | null>
  /** How often it was asked for that. */
  timesSent(deviceId: string, operationId: string): Promise<number>
  /** Of what was cancelled after the device was asked for it, and of which it has not said its last word; the oldest first. */
  cancelsOwed(deviceId: string): Promise<readonly OperationRequest[]>
  /** It has. */
  answered(deviceId: string, operationId: string, at: Date): Promise<void>
}
