/**
 * Has the realm of a cluster hold what updates need: the interfaces, the policy, the triggers that call us. What others
 * installed there is left alone; what is ours and is not as it should be is made anew. It may be broken off anywhere and
 * begun again.
 */
import { compareVersions } from '@updraft/core'
import {
  OURS,
  POLICY,
  SINCE,
  type TriggerDefinition,
  triggersFor,
} from '@updraft/wire/astarte-cluster'
import { INTERFACES, NAMES } from '@updraft/wire/edgehog'
import type { ClusterClient } from './cluster-client.ts'

export interface Reconciled {
  readonly version: string
  /** What was done, as sentences; empty when all was as it should be. */
  readonly done: readonly string[]
}

export async function reconcile(
  client: ClusterClient,
  {
    webhookUrl,
    webhookSecret,
    done = [],
  }: {
    readonly webhookUrl: string
    readonly webhookSecret: string
    /** Grows as it goes on, so that what was done before an error is known. */
    readonly done?: string[]
  },
): Promise<Reconciled> {
  const version = await client.version()
  const isSince = (first: string) => (compareVersions(version, first) ?? -1) >= 0

  for (const definition of INTERFACES) {
    const { interface_name: name, version_major: major, version_minor: minor } = definition
    const found = await client.interfaceMinor(name, major)
    if (found === null) {
      await client.install(definition)
      done.push(`installed ${name} ${major}.${minor}`)
    } else if (found < minor) {
      await client.upgrade(definition)
      done.push(`upgraded ${name} ${major}.${found} to ${major}.${minor}`)
    }
  }

  const wanted = triggersFor({
    url: webhookUrl,
    secret: webhookSecret,
    has: {
      policies: isSince(SINCE.policies),
      registrationTriggers: isSince(SINCE.registrationTriggers),
      legacyResponse: (await client.interfaceMinor(NAMES.otaResponse, 0)) !== null,
    },
  })
  if (isSince(SINCE.policies)) await setPolicy(client, done)
  await setTriggers(client, wanted, done)
  return { version, done }
}

/** A policy that triggers use cannot be removed: those of ours go before it, and come again after it. */
async function setPolicy(client: ClusterClient, done: string[]): Promise<void> {
  if ((await client.policyNames()).includes(POLICY.name)) {
    if (isAsWanted(await client.policy(POLICY.name), POLICY)) return
    for (const name of await ourTriggers(client)) await client.removeTrigger(name)
    await client.removePolicy(POLICY.name)
  }
  await client.addPolicy(POLICY)
  done.push(`made policy ${POLICY.name}`)
}

async function setTriggers(
  client: ClusterClient,
  wanted: readonly TriggerDefinition[],
  done: string[],
): Promise<void> {
  const found = new Set(await ourTriggers(client))
  for (const trigger of wanted) {
    const { name } = trigger
    const was = found.delete(name) ? await client.trigger(name) : null
    if (was !== null && isAsWanted(was, trigger)) continue
    // A trigger is not changed, it is made anew.
    if (was !== null) await client.removeTrigger(name)
    await client.addTrigger(trigger)
    done.push(`${was === null ? 'made' : 'made anew'} trigger ${name}`)
  }
  for (const name of found) {
    await client.removeTrigger(name)
    done.push(`removed trigger ${name}`)
  }
}

/** Takes back what calls us; interfaces stay, as devices speak them. */
export async function withdraw(client: ClusterClient): Promise<void> {
  for (const name of await ourTriggers(client)) await client.removeTrigger(name)
  const version = await client.version()
  if ((compareVersions(version, SINCE.policies) ?? -1) >= 0) await client.removePolicy(POLICY.name)
}

const ourTriggers = async (client: ClusterClient): Promise<readonly string[]> =>
  (await client.triggerNames()).filter((name) => name.startsWith(OURS.prefix))

/** What is found may say more than was asked for, and need not say what goes without saying. */
export function isAsWanted(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(found) &&
      found.length === wanted.length &&
      wanted.every((each, index) => isAsWanted(found[index], each))
    )
  }
  if (typeof wanted === 'object' && wanted !== null) {
    const its = typeof found === 'object' && found !== null ? found : {}
    return Object.entries(wanted).every(([key, value]) =>
      isAsWanted((its as Record<string, unknown>)[key], value),
    )
  }
  return found === wanted || (wanted === false && found === undefined)
}
