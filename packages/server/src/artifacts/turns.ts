/**
 * Work on one thing at a time, by its id. Who comes next has the work before it told to end, and waits until it has:
 * what is asked last is what is wanted.
 */
export type InTurn = <T>(id: string, work: (taken: AbortSignal) => Promise<T>) => Promise<T>

export function takingTurns(): InTurn {
  const last = new Map<string, { take: () => void; over: Promise<unknown> }>()
  return (id, work) => {
    const before = last.get(id)
    before?.take()
    const taking = new AbortController()
    const done = (before?.over ?? Promise.resolve()).then(() => work(taking.signal))
    const turn = {
      take: () => taking.abort(),
      over: done.then(
        () => leave(),
        () => leave(),
      ),
    }
    const leave = () => {
      if (last.get(id) === turn) last.delete(id)
    }
    last.set(id, turn)
    return done
  }
}
