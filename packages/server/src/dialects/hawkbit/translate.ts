/** hawkBit's words ⇄ ours. Pure. */
import { chunked } from '@updraft/core'
import {
  artifactOf,
  type Chunk,
  type Confirmation,
  type Deployment,
  type DeploymentDocument,
  deploymentDocument,
  type Execution,
  type Feedback,
  LIMITS,
  PATHS,
  partOf,
  type Result,
} from '@updraft/wire/hawkbit'
import type {
  CancelWord,
  HawkbitDocument,
  HawkbitFeedback,
  HawkbitPart,
  Instruction,
} from '../../app/hawkbit-desk.ts'

/** What a device says of an action it is at. */
export function feedbackOf({ status }: Feedback): HawkbitFeedback {
  const { execution, code, result, details } = status
  return {
    word: wordOf(execution, result.finished),
    status: `${execution} ${result.finished}`,
    messages: kept(details),
    ...(code !== undefined && { code: String(code) }),
    isVague: result.finished === 'none',
  }
}

function wordOf(execution: Execution, finished: Result): HawkbitFeedback['word'] {
  switch (execution) {
    case 'closed':
      // Without a word of how it ended, it ended well.
      return finished === 'failure' ? 'failed' : 'done'
    case 'proceeding':
      return 'at-it'
    case 'download':
      return 'downloading'
    case 'downloaded':
      return 'downloaded'
    case 'scheduled':
    case 'resumed':
      return 'waiting'
    case 'rejected':
      return 'refused-for-now'
    case 'canceled':
      return 'wants-to-stop'
  }
}

/** The same words of an action that the device was asked to stop. */
export function cancelFeedbackOf({ status }: Feedback): {
  word: CancelWord
  status: string
  messages: readonly string[]
} {
  const { execution, result, details } = status
  const hasRefused =
    execution === 'rejected' || (execution === 'closed' && result.finished === 'failure')
  const word = hasRefused ? 'refused' : execution === 'closed' ? 'stopped' : 'trying'
  return { word, status: `${execution} ${result.finished}`, messages: kept(details) }
}

export const confirmationOf = ({ confirmation, details }: Confirmation) => ({
  isConfirmed: confirmation === 'confirmed',
  messages: kept(details),
})

/** As any store can keep them, and no more than hawkBit does. */
const kept = (details: readonly string[]): string[] =>
  details
    .slice(-LIMITS.messages)
    .map((text) => text.slice(0, LIMITS.messageLength).replaceAll('\0', '\ufffd').toWellFormed())

/** Where a part is fetched, below the device's own address. */
export const filePath = ({ chunkId, release }: HawkbitPart): string =>
  `${PATHS.softwareModules}/${chunkId}/artifacts/${encodeURIComponent(release.artifact?.fileName ?? '')}`

/** The one file of a part, with everything that some client holds it against; none for a part without. */
export function artifactsOf(part: HawkbitPart, base: string) {
  const { artifact } = part.release
  if (!artifact) return []
  const { sha256, fileName, sizeBytes } = artifact
  const hashes = { ...part.digests, sha256 }
  return [artifactOf({ fileName, sizeBytes, hashes, url: `${base}${filePath(part)}` })]
}

/** `base`: the device's own address, in full. `history`: so many of its messages, or all when less than none. */
export function documentOf(
  { action, instruction, parts, statuses }: HawkbitDocument,
  { base, isToConfirm, history }: { base: string; isToConfirm: boolean; history: number },
): DeploymentDocument {
  const isZephyr = action.client === 'zephyr'
  const chunkOf = (those: readonly HawkbitPart[]): Chunk[] =>
    those.slice(-1).map(({ release }) => ({
      part: partOf(release.type, { isZephyr }),
      version: release.version,
      name: release.title,
      artifacts: those.flatMap((part) => artifactsOf(part, base)),
    }))
  const chunks = chunked(action.client, parts).flatMap(chunkOf)
  const most = history < 0 ? LIMITS.history : Math.min(history, LIMITS.history)
  const messages = statuses.flatMap(({ messages }) => messages).slice(0, most)
  return deploymentDocument({
    actionId: action.id,
    deployment: deploymentOf(instruction, chunks),
    isToConfirm,
    ...(statuses.length > 0 && { history: { status: statusOf(action), messages } }),
  })
}

const deploymentOf = ({ download, update, window }: Instruction, chunks: Chunk[]): Deployment => ({
  download,
  update,
  ...(window && { maintenanceWindow: window }),
  chunks,
})

function statusOf({ closedAt, outcome, cancelAskedAt }: HawkbitDocument['action']): string {
  if (outcome === 'finished') return 'FINISHED'
  if (outcome === 'downloaded') return 'DOWNLOADED'
  if (outcome === 'failed') return 'ERROR'
  if (closedAt) return 'CANCELED'
  return cancelAskedAt ? 'CANCELING' : 'RUNNING'
}
