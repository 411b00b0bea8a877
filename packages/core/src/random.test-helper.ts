/** Numbers that look random and are the same each time: a linear congruential generator. For tests only. */
export type Pick = <T>(faces: readonly T[]) => T

export function dice(seed: number): Pick {
  let state = seed >>> 0
  return (faces) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return faces[Math.floor((state / 2 ** 32) * faces.length)] as (typeof faces)[number]
  }
}
