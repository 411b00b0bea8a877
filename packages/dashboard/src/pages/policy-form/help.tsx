/** What can be written, beside where it is written; pressing a line puts it there. */
import { Anchor, UnstyledButton } from '@mantine/core'
import { OF_DEVICE, OF_TEXTS, OF_VERSIONS, type Word } from './words.ts'

const PARTS: readonly (readonly [title: string, words: readonly Word[], isInserted: boolean])[] = [
  ['Versions', OF_VERSIONS, true],
  ['The device', OF_DEVICE, true],
  ['Put together', OF_TEXTS, false],
]

export function Help({ onInsert }: { onInsert: (text: string) => void }) {
  return (
    <div className="policy-help">
      {PARTS.map(([title, words, isInserted]) => (
        <section key={title}>
          <h3>{title}</h3>
          <ul>
            {words.map(({ write, means }) => (
              <li key={write}>
                {isInserted ? (
                  <UnstyledButton onClick={() => onInsert(write)} title="Put it in">
                    <code className="mono">{write}</code>
                  </UnstyledButton>
                ) : (
                  <code className="mono">{write}</code>
                )}
                <span className="quiet">{means}</span>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <p className="quiet">
        What a device has not told cannot be decided, and then it does not hold. It is CEL:{' '}
        <Anchor href="https://cel.dev" target="_blank" rel="noreferrer" inherit underline="always">
          the language
        </Anchor>
        .
      </p>
    </div>
  )
}
