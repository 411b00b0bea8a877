/** Which machine a box is, as far as it tells. */
import { Anchor } from '@mantine/core'
import { IconExternalLink } from '@tabler/icons-react'
import { Facts } from '../../../parts/detail.tsx'
import { type BoxFact, identityOf, toldBy } from '../../../words/boxes.ts'
import { size } from '../../../words/numbers.ts'
import { span } from '../../../words/time.ts'
import type { DeviceData } from '../../device.tsx'

export function Machine({ device }: { device: DeviceData }) {
  const facts = identityOf(device)
  const { page } = toldBy(device)
  if (facts.length === 0) return <p className="quiet">It has told nothing of itself yet.</p>
  return (
    <Facts
      facts={[
        ...facts.map((fact) => [fact.name, <Value key={fact.name} fact={fact} />] as const),
        ...(page
          ? [
              [
                'Its page',
                <Anchor key="page" href={page} target="_blank" rel="noreferrer" c="inherit">
                  {page.replace('http://', '')} <IconExternalLink size={13} aria-hidden />
                </Anchor>,
              ] as const,
            ]
          : []),
      ]}
    />
  )
}

function Value({ fact: { kind, value } }: { fact: BoxFact }) {
  switch (kind) {
    case 'code':
      return <span className="mono">{value}</span>
    case 'bytes':
      return <>{size(Number(value))}</>
    case 'seconds':
      return <>{span(Number(value))}</>
    case 'text':
      return <>{value}</>
  }
}
