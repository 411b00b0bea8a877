import { readFile } from 'node:fs/promises'
import type { Cluster, ClusterCheck } from '@updraft/api/shapes'
import { command, needed, text } from '../command.ts'
import { fileTrouble } from '../errors.ts'
import { facts, type Look, timeText } from '../print.ts'

export const clusterCommands = [
  command({
    words: 'realm cluster set',
    about: "have a cluster of Astarte serve the realm's devices",
    flags: {
      url: needed('--url <url>', "the root of the cluster's API"),
      key: text('--key <file>', "the realm's private key, as a PEM file (default: the one before)"),
      realm: text('--realm <name>', 'what the cluster calls the realm (default: its name here)'),
    },
    examples: ['updraft realm cluster set --url https://api.astarte.example --key acme.pem'],
    run: async ({ url: baseUrl, key, realm }, { client }) => {
      const privateKey =
        key && (await readFile(key, 'utf8').catch((error) => fileTrouble(key, error)))
      const cluster = await client('setCluster', { body: { baseUrl, realm, privateKey } })
      return {
        json: cluster,
        text: () =>
          `The cluster at ${cluster.baseUrl} serves the devices of the realm now.\nWhether all is well there: updraft realm cluster check`,
      }
    },
  }),
  command({
    words: 'realm cluster show',
    about: "the cluster that serves the realm's devices, and how we get on with it",
    run: async (_, { client }) => {
      const cluster = await client('showCluster', {})
      return { json: cluster, text: (look) => clusterText(cluster, look) }
    },
  }),
  command({
    words: 'realm cluster check',
    about:
      'try all that is needed of the cluster, now; nothing is changed; exit code 1 if not all is well',
    run: async (_, { client }) => {
      const check = await client('checkCluster', {})
      return { json: check, text: (look) => checkText(check, look), isNo: !check.isWell }
    },
  }),
  command({
    words: 'realm cluster remove',
    about: "have no cluster serve the realm's devices; they stay known here",
    run: async (_, { client }) => {
      const removed = await client('removeCluster', {})
      const { untakenBack } = removed
      return {
        json: removed,
        text: () =>
          untakenBack === null
            ? 'No cluster serves the devices of the realm any more.'
            : `No cluster serves the devices of the realm any more. Its triggers still call: ${untakenBack}`,
      }
    },
  }),
]

const clusterText = (cluster: Cluster, look: Look): string =>
  facts(
    [
      ['Cluster', cluster.baseUrl],
      ['Realm there', cluster.realm],
      ['Astarte', cluster.version],
      ['Key', cluster.algorithm],
      ['Triggers call', cluster.triggersCall],
      ['Set', timeText(cluster.changedAt, look)],
      ['Looked at', cluster.lookedAt && timeText(cluster.lookedAt, look)],
      ['Well', cluster.wellAt && timeText(cluster.wellAt, look)],
      ['Done', cluster.done.length > 0 ? cluster.done.join(', ') : null],
      ['Trouble', cluster.error],
    ],
    look,
  )

const checkText = ({ isWell, items }: ClusterCheck, look: Look): string =>
  `${facts(
    items.map(({ what, isWell: isSo, message }) => [what, isSo ? message : `FAILED: ${message}`]),
    look,
  )}\n${isWell ? 'All is well.' : 'Not all is well.'}`
