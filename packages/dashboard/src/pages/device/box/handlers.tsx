/** What a box drives: its handlers, each with its state, and all that is plugged in. */
import { Group } from '@mantine/core'
import { IconCheck, IconClock, IconMinus, IconPlugConnected, IconX } from '@tabler/icons-react'
import { Section } from '../../../parts/section.tsx'
import { isFailed, type ToldBox, type ToldDevice, type ToldHandler } from '../../../words/boxes.ts'
import { plural } from '../../../words/numbers.ts'

const STATES: Readonly<Record<string, { look: string; word: string; Icon: typeof IconCheck }>> = {
  running: { look: 'UPDATED', word: 'runs', Icon: IconCheck },
  starting: { look: 'QUEUED', word: 'starts', Icon: IconClock },
  failed: { look: 'FAILED', word: 'does not load', Icon: IconX },
  ended: { look: 'NONE', word: 'had no more to do', Icon: IconMinus },
}

export function Handlers({ told: { handlers, devices } }: { told: ToldBox }) {
  // Those that want a look first.
  const sorted = handlers.toSorted((a, b) => Number(isFailed(b.state)) - Number(isFailed(a.state)))
  return (
    <>
      {sorted.length > 0 && (
        <Section title={plural(sorted.length, 'handler')}>
          <ul className="handlers">
            {sorted.map((handler) => (
              <Handler key={handler.name} handler={handler} />
            ))}
          </ul>
        </Section>
      )}
      <Section title="Plugged in">
        {devices.length === 0 ? (
          <p className="quiet">It has told of nothing that is plugged in.</p>
        ) : (
          <ul className="handlers">
            {devices.map((device) => (
              <Plugged key={device.id} device={device} />
            ))}
          </ul>
        )}
      </Section>
    </>
  )
}

function Handler({ handler: { name, state, error, devices } }: { handler: ToldHandler }) {
  const { look, word, Icon } = STATES[state] ?? { look: 'NONE', word: state, Icon: IconMinus }
  return (
    <li className="look" data-look={look}>
      <Icon size={16} aria-hidden />
      <div>
        <Group justify="space-between" gap="0 12">
          <span className="mono">{name}</span>
          <span className="handler-state">{word}</span>
        </Group>
        {error && <div className="quiet">{error}</div>}
        {devices.length > 0 && (
          <div className="quiet">{devices.map((device) => device.name).join(', ')}</div>
        )}
      </div>
    </li>
  )
}

const Plugged = ({ device: { id, name, type, connection } }: { device: ToldDevice }) => (
  <li>
    <IconPlugConnected size={16} className="quiet" aria-hidden />
    <div>
      <Group justify="space-between" gap="0 12">
        <span>{name}</span>
        <span className="quiet">{[type, connection].filter(Boolean).join(', ')}</span>
      </Group>
      {id !== name && <div className="quiet mono">{id}</div>}
    </div>
  </li>
)
