import { Tooltip } from '@mantine/core'
import { type Line, useLine } from '../data/live.ts'

const WORDS: Readonly<Record<Line, { word: string; meaning: string }>> = {
  opening: { word: 'connecting', meaning: 'The line to the server is being opened.' },
  live: { word: 'live', meaning: 'What is shown follows what happens.' },
  broken: {
    word: 'not live',
    meaning: 'The line to the server is broken and is taken up again by itself.',
  },
}

export function LineIndicator() {
  const line = useLine()
  const { word, meaning } = WORDS[line]
  return (
    <Tooltip label={meaning}>
      <span className="line" data-line={line} role="status">
        {word}
      </span>
    </Tooltip>
  )
}
