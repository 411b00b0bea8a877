/**
 * The function with what it made of the same few texts kept, as texts are asked for again at every device. Bounded: at
 * the limit all of it is forgotten, which costs less than telling what was used last.
 */
export function remembered<T>(make: (text: string) => T, maxKept = 1000): (text: string) => T {
  const kept = new Map<string, { readonly made: T }>()
  return (text) => {
    const known = kept.get(text)
    if (known) return known.made
    const made = make(text)
    if (kept.size >= maxKept) kept.clear()
    kept.set(text, { made })
    return made
  }
}
