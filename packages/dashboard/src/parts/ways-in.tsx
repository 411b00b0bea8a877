/** Commands and files that bring a device in, one tab a way. */
import { Code, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { read } from '../data/queries.ts'
import { type Way, waysFor } from '../words/commands.ts'
import { CopyText } from './copyable.tsx'

/** For one device that has this token. */
export function WaysIn({ token }: { token: string }) {
  const endpoints = useQuery(read('settings', 'showEndpoints', {}))
  if (!endpoints.data) return null
  return <Ways ways={waysFor({ ...endpoints.data, http: location.origin }, token)} />
}

export function Ways({ ways }: { ways: readonly Way[] }) {
  return (
    <Tabs defaultValue={ways[0]?.key} variant="outline">
      <Tabs.List>
        {ways.map(({ key, label }) => (
          <Tabs.Tab key={key} value={key}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {ways.map(({ key, label, text, isFile }) => (
        <Tabs.Panel key={key} value={key} pt="sm">
          <div className="command">
            <Code block>{text}</Code>
            <CopyText text={text} what={isFile ? label : `the ${label} command`} />
          </div>
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}
