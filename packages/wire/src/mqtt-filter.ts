/**
 * Whether the topic is one the filter stands for, by the rules of MQTT. Read letter by letter: it is asked for each
 * message that is sent.
 */
export function matches(filter: string, topic: string): boolean {
  let at = 0
  for (let index = 0; index < filter.length; index++) {
    const letter = filter[index]
    if (letter === '#') return true
    if (letter === '+') {
      while (at < topic.length && topic[at] !== '/') at += 1
    } else if (letter === topic[at]) at += 1
    // What stands for all that is below a level stands for the level, too.
    else return at === topic.length && filter.slice(index) === '/#'
  }
  return at === topic.length
}
