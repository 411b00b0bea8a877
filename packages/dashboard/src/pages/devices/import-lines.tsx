/** The lines of a file before they are devices: those that cannot be first, each with its reason. */
import { Text } from '@mantine/core'
import type { BadLine, DeviceLine } from '@updraft/api/device-csv'
import type { Checked } from '../../data/device-import.ts'
import { counted, plural } from '../../words/numbers.ts'

/** More of them are counted, not shown. */
const SHOWN = 100

export function ImportLines({ file: { devices, mistakes } }: { file: Checked }) {
  return (
    <>
      {mistakes.length > 0 && (
        <section>
          <Text size="sm" fw={600}>
            {plural(mistakes.length, 'line')} to mend
          </Text>
          <Mistakes mistakes={mistakes} />
        </section>
      )}
      {devices.length > 0 && (
        <div className="import-devices">
          <table aria-label="Devices in the file">
            <thead>
              <tr>
                {['Line', 'Name', 'Profile', 'Known by', 'Labels'].map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {devices.slice(0, SHOWN).map(({ line, draft }) => (
                <tr key={line}>
                  <td className="quiet figure">{line}</td>
                  <td className="strong">{draft.name}</td>
                  <td>{draft.profile}</td>
                  <td>{knownBy(draft)}</td>
                  <td>{draft.labels?.join(', ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More count={devices.length - SHOWN} what="device" />
    </>
  )
}

export function Mistakes({ mistakes }: { mistakes: readonly BadLine[] }) {
  return (
    <>
      <ul className="lines" aria-label="Lines to mend">
        {mistakes.slice(0, SHOWN).map(({ line, name, mistake }) => (
          <li key={line}>
            <span className="figure">Line {line}</span>
            {name && <span className="strong">{name}</span>}
            <span className="quiet">{mistake}</span>
          </li>
        ))}
      </ul>
      <More count={mistakes.length - SHOWN} what="line" />
    </>
  )
}

const More = ({ count, what }: { count: number; what: string }) =>
  count > 0 && (
    <Text size="sm" className="quiet">
      and {counted(count)} more {count === 1 ? what : `${what}s`}
    </Text>
  )

const KINDS = { token: 'token', 'mqtt-basic': 'MQTT name', x509: 'certificate' } as const

function knownBy({ token, credentials = [] }: DeviceLine['draft']): string {
  const kinds = [...(token ? ['token'] : []), ...credentials.map(({ kind }) => KINDS[kind])]
  return kinds.join(', ') || 'a new token'
}
