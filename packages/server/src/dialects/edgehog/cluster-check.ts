/** Tries what is needed of a cluster, for an operator who waits; and takes back what calls us. */

import { compareVersions } from '@updraft/core'
import { POLICY, SINCE, triggersFor } from '@updraft/wire/astarte-cluster'
import { INTERFACES, NAMES } from '@updraft/wire/edgehog'
import type { ClusterAccess } from '../../app/cluster-desk.ts'
import type { ClusterClient } from './cluster-client.ts'
import { withdraw } from './cluster-reconcile.ts'

interface Trial {
  readonly what: string
  readonly isWell: boolean
  readonly message: string
}

/** Only from this machine, and the cluster is hardly on it. */
const LOCAL = /^(localhost|127\.|\[::1\]|0\.0\.0\.0)/

export function clusterProbe(clientFor: (access: ClusterAccess) => ClusterClient) {
  return {
    tries: async (access: ClusterAccess, triggersCall: string): Promise<readonly Trial[]> => {
      const client = clientFor(access)
      const trials: Trial[] = []
      const attempt = async (what: string, work: () => Promise<string>): Promise<boolean> => {
        try {
          trials.push({ what, isWell: true, message: await work() })
          return true
        } catch (error) {
          trials.push({ what, isWell: false, message: wordsOf(error) })
          return false
        }
      }
      let version = ''
      const isThere = await attempt('realm management', async () => {
        version = await client.version()
        return `Astarte ${version}`
      })
      await attempt('AppEngine', async () => {
        const { statuses, next } = await client.statuses(undefined)
        const count = `${statuses.length}${next === undefined ? '' : ' or more'}`
        const there = statuses.filter(({ connected }) => connected).length
        return `${count} devices, of these ${there} connected`
      })
      if (!isThere) return trials
      await attempt('interfaces', async () => {
        const missing: string[] = []
        for (const { interface_name: name, version_major, version_minor } of INTERFACES) {
          const minor = await client.interfaceMinor(name, version_major)
          if (minor === null || minor < version_minor) missing.push(name)
        }
        if (missing.length === 0) return `all ${INTERFACES.length} are installed`
        throw new Error(`missing or too old: ${missing.join(', ')}`)
      })
      await attempt('triggers', async () => {
        const names = await client.triggerNames()
        const isSince = (first: string) => (compareVersions(version, first) ?? -1) >= 0
        const has = {
          policies: isSince(SINCE.policies),
          registrationTriggers: isSince(SINCE.registrationTriggers),
          legacyResponse: (await client.interfaceMinor(NAMES.otaResponse, 0)) !== null,
        }
        const wanted = triggersFor({ url: triggersCall, secret: '', has })
        const missing = wanted.filter(({ name }) => !names.includes(name))
        if (has.policies && !(await client.policyNames()).includes(POLICY.name)) {
          throw new Error(`the policy ${POLICY.name} is missing`)
        }
        if (missing.length === 0) return `all ${wanted.length} are there`
        throw new Error(`missing: ${missing.map(({ name }) => name).join(', ')}`)
      })
      await attempt('address', async () => {
        if (!LOCAL.test(new URL(triggersCall).host)) return `triggers call ${triggersCall}`
        throw new Error(
          `triggers call ${triggersCall}, which is hardly found from there; set the public URL`,
        )
      })
      return trials
    },
    withdraw: async (access: ClusterAccess): Promise<string | null> =>
      withdraw(clientFor(access)).then(() => null, wordsOf),
  }
}

export const wordsOf = (error: unknown): string => {
  if (error instanceof Error) return error.message
  return String(error)
}
