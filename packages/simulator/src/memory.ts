/** What the devices run, kept from one run of the simulator to the next: JSON, a record for each device's name. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { codeOf, type InstalledByType, messageOf } from '@updraft/agent'
import { ScenarioError } from './scenario.ts'

export type RunsByName = Readonly<Record<string, InstalledByType>>

/** Nothing when there is no such file yet. */
export async function readMemory(file: string): Promise<RunsByName> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {}
    throw error
  }
  try {
    return JSON.parse(text) as RunsByName
  } catch (error) {
    throw new ScenarioError(`${file} is not what was kept there: ${messageOf(error)}`)
  }
}

/** The old content or the new is there, never a mixture. */
export async function writeMemory(
  file: string,
  devices: readonly { readonly name: string; readonly runs: InstalledByType }[],
): Promise<void> {
  const runs = Object.fromEntries(devices.map(({ name, runs }) => [name, runs]))
  await writeFile(`${file}.tmp`, JSON.stringify(runs))
  await rename(`${file}.tmp`, file)
}
