/** A device that is a box: its three layers, what it drives and is set to, what happened, and what it logs. */
import { Tabs } from '@mantine/core'
import { IconHandStop, IconPlayerPause } from '@tabler/icons-react'
import { BOX_LAYERS } from '@updraft/core'
import { useBox } from '../../data/boxes.ts'
import { useListState } from '../../parts/list-query.ts'
import { Section } from '../../parts/section.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { Why } from '../../parts/why.tsx'
import { holdOf, isLayer, toldBy, troublesOf } from '../../words/boxes.ts'
import { useNow } from '../../words/clock.ts'
import { exactTime } from '../../words/time.ts'
import type { DeviceData } from '../device.tsx'
import { AboutDevice } from './about.tsx'
import { BoxActs } from './box/acts.tsx'
import { Handlers } from './box/handlers.tsx'
import { LayerCard } from './box/layer-card.tsx'
import { Log } from './box/log.tsx'
import { Machine } from './box/machine.tsx'
import { SetFor } from './box/set-for.tsx'
import { Component } from './component.tsx'
import { Updates } from './updates.tsx'
import './box/box.css'

const TABS = { box: 'Box', updates: 'Updates', log: 'Log', about: 'About' } as const
type Tab = keyof typeof TABS
const isTab = (key: string | undefined | null): key is Tab =>
  typeof key === 'string' && Object.hasOwn(TABS, key)

export function BoxDetails({ device }: { device: DeviceData }) {
  const { state, change } = useListState()
  const tab = isTab(state.tab) ? state.tab : 'box'
  return (
    <Tabs
      value={tab}
      onChange={(to) => change({ tab: to === 'box' ? undefined : (to ?? undefined) })}
      keepMounted={false}
    >
      <Tabs.List className="tabs-line">
        {Object.entries(TABS).map(([key, label]) => (
          <Tabs.Tab key={key} value={key}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="box" pt="md">
        <Standing device={device} />
      </Tabs.Panel>
      <Tabs.Panel value="updates">
        <Updates device={device} />
      </Tabs.Panel>
      <Tabs.Panel value="log" pt="md">
        <Log device={device} />
      </Tabs.Panel>
      <Tabs.Panel value="about">
        <AboutDevice device={device} />
      </Tabs.Panel>
    </Tabs>
  )
}

/** How it stands with it now. */
function Standing({ device }: { device: DeviceData }) {
  const { data, error } = useBox(device.id)
  const box = data?.deviceId === device.id ? data : undefined
  const told = toldBy(device)
  // Odoo's boxes may have other components, too.
  const others = Object.keys(device.components)
    .filter((type) => !isLayer(type))
    .sort()
  return (
    <>
      <Alerts device={device} />
      <BoxActs device={device} box={box} />
      {error && <Trouble error={error} />}
      <div className="layers">
        {BOX_LAYERS.map((layer) => (
          <LayerCard key={layer} device={device} layer={layer} told={told} box={box} />
        ))}
        {others.map((type) => (
          <Component key={type} device={device} type={type} />
        ))}
      </div>
      <Handlers told={told} />
      <div className="device-columns">
        <SetFor device={device} box={box} />
        <Section title="Machine">
          <Machine device={device} />
        </Section>
      </div>
    </>
  )
}

/** What a person should know before anything else. */
function Alerts({ device }: { device: DeviceData }) {
  const hold = holdOf(device, useNow())
  const troubles = troublesOf(device)
  return (
    <>
      {hold && (
        <Why Icon={IconPlayerPause} look="HELD_BACK">
          <strong>
            Held{hold.until === null ? '' : ` until ${exactTime(new Date(hold.until))}`}.
          </strong>{' '}
          {hold.reason} <span className="quiet">Nothing is changed on it meanwhile.</span>
        </Why>
      )}
      {troubles.length > 0 && (
        <Why Icon={IconHandStop} look="NEEDS_ATTENTION">
          {troubles.map((trouble) => (
            <div key={trouble}>{trouble}</div>
          ))}
        </Why>
      )}
    </>
  )
}
