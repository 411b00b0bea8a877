/** Whether the whole text is of that form: `*` stands for anything, `?` for one character, letter case counts. */
export function glob(text: string, form: string): boolean {
  const characters = [...text]
  const wanted = [...form]
  let at = 0
  let want = 0
  /** Where the last `*` stands, and how far it reached: only that one is ever made longer. */
  let star = -1
  let reach = 0
  while (at < characters.length) {
    if (wanted[want] === '*') {
      star = want
      reach = at
      want += 1
    } else if (want < wanted.length && (wanted[want] === '?' || wanted[want] === characters[at])) {
      at += 1
      want += 1
    } else if (star >= 0) {
      reach += 1
      at = reach
      want = star + 1
    } else {
      return false
    }
  }
  while (wanted[want] === '*') want += 1
  return want === wanted.length
}
