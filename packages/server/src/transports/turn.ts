/** One round of the event loop: what came in together is read within one. */

let turn: Promise<void> | undefined

/**
 * When all that came in together has been read. Answers are then written one right after the other: a client on an
 * idle processor is woken once for all of them and not for each, which costs the writer dear.
 */
export function endOfTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined
      resolve()
    })
  })
  return turn
}
