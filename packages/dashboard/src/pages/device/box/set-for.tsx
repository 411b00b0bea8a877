/** What is set for a box, and the way to change it. */
import { Button, Skeleton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { BOX_LAYERS } from '@updraft/core'
import type { BoxData } from '../../../data/boxes.ts'
import { useMay } from '../../../data/session.ts'
import { Facts } from '../../../parts/detail.tsx'
import { Section } from '../../../parts/section.tsx'
import { LAYER_WORDS } from '../../../words/boxes.ts'
import { useNow } from '../../../words/clock.ts'
import { exactTime } from '../../../words/time.ts'
import { readWindows } from '../../../words/windows.ts'
import type { DeviceData } from '../../device.tsx'
import { FormDialog } from './form-dialog.tsx'

export function SetFor({ device, box }: { device: DeviceData; box: BoxData | undefined }) {
  const may = useMay()
  const [isOpen, dialog] = useDisclosure()
  return (
    <Section
      title="Set for it"
      aside={
        may('device.write') &&
        box && (
          <Button size="xs" variant="default" onClick={dialog.open}>
            Change
          </Button>
        )
      }
    >
      {box ? <Form box={box} /> : <Skeleton height={120} />}
      {isOpen && <FormDialog device={device} onClose={dialog.close} />}
    </Section>
  )
}

function Form({ box: { form, kind } }: { box: BoxData }) {
  const { hold, windows, layers, codeFrom } = form
  const read = readWindows(windows, useNow())
  const words = BOX_LAYERS.map((layer) => {
    const { channel, updates } = layers[layer]
    return [
      LAYER_WORDS[layer],
      `${updates === 'button' ? 'by the button' : 'automatic'}, ${channel}`,
    ] as const
  })
  return (
    <Facts
      facts={[
        ['Automatic drivers update', form.automaticDriversUpdate ? 'on' : 'off'],
        [
          'Hold',
          hold ? (
            holdWords(hold)
          ) : (
            <span key="hold" className="quiet">
              none
            </span>
          ),
        ],
        [
          'Windows',
          read === null ? (
            'at any time'
          ) : 'mistake' in read ? (
            windows
          ) : (
            <div key="windows">
              {read.lines.map((line) => (
                <div key={line}>{line}</div>
              ))}
            </div>
          ),
        ],
        ...words,
        ...(kind === 'updraft'
          ? [['Code comes from', codeFrom === 'server' ? 'this server' : 'upstream'] as const]
          : []),
      ]}
    />
  )
}

const holdWords = ({ reason, until }: NonNullable<BoxData['form']['hold']>): string =>
  until === null ? reason : `${reason}, until ${exactTime(new Date(until))}`
