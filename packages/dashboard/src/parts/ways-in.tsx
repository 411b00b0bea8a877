/** The commands that bring one device in, one tab a way. */
import { Code, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { read } from '../data/queries.ts'
import { waysFor } from '../words/commands.ts'
import { CopyText } from './copyable.tsx'

export function WaysIn({ token }: { token: string }) {
  const endpoints = useQuery(read('settings', 'showEndpoints', {}))
  if (!endpoints.data) return null
  const ways = waysFor({ ...endpoints.data, http: location.origin }, token)
  return (
    <Tabs defaultValue={ways[0]?.key} variant="outline">
      <Tabs.List>
        {ways.map(({ key, label }) => (
          <Tabs.Tab key={key} value={key}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {ways.map(({ key, label, text }) => (
        <Tabs.Panel key={key} value={key} pt="sm">
          <div className="command">
            <Code block>{text}</Code>
            <CopyText text={text} what={`the ${label} command`} />
          </div>
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}
