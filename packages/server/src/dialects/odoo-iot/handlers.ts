/**
 * What a box that asks for its handlers is given: nothing, the word that it has them, or all of them. There is no fourth
 * answer: a box may delete those it has at any other.
 */
import {
  boxFormOf,
  DomainError,
  HANDLERS,
  isByButton,
  type Operation,
  type Release,
} from '@updraft/core'
import type { HandlersRequest } from '@updraft/wire/odoo-iot'
import type { CheckedIn, DeviceDesk, Handlers, KnownBox } from '../../app/device-desk.ts'
import { etagOf, platformOf, releaseIn } from './translate.ts'

export const NAME = 'odoo-iot'

export type Given =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'has-it'; readonly etag: string }
  | {
      readonly kind: 'archive'
      readonly etag: string
      readonly handlers: Handlers
      /** To be noted, once the box has all of it. */
      readonly taken: (how: { readonly isWhole: boolean }) => Promise<void>
    }

const NOTHING: Given = { kind: 'nothing' }

export async function handlersFor(
  desk: DeviceDesk,
  { names, isAutomatic }: HandlersRequest,
  named: string | null,
): Promise<Given> {
  const known = await desk.boxNamed(names, NAME)
  if (!known) return NOTHING
  const { device, isAsked } = known
  const runs = await releaseNamed(desk, known, named)
  const asked = isAutomatic && !isAsked ? [] : [HANDLERS]
  const checkedIn = await desk.checkIn(
    device,
    { installed: runs ? { [HANDLERS]: { title: runs.title, version: runs.version } } : {} },
    { tells: isSpeakable, isTacit: runs !== null, asked },
  )
  // What was edited on the box is not to be overwritten, not even by what it was given before.
  const form = boxFormOf(device.device)
  if (asked.length === 0 && form && isByButton(form, HANDLERS)) return NOTHING
  const release = meantNow(checkedIn) ?? (await desk.lastGiven(known))
  if (!release) return NOTHING
  if (!isSpeakable(release)) return untold(desk, known, release, ELSEWHERE)
  const platform = platformOf(device.device)
  const handlers = await desk.handlersOf(release, platform).catch((error) => {
    if (error instanceof DomainError && error.code === 'handlers.invalid') return error
    throw error
  })
  if (handlers instanceof DomainError) return untold(desk, known, release, handlers.message)
  const etag = etagOf(release, platform, handlers.digest)
  if (named === etag) return { kind: 'has-it', etag }
  const operation = checkedIn.offers.find((offered) => offered.release.id === release.id)?.operation
  return { kind: 'archive', etag, handlers, taken: taking(desk, known, release, operation) }
}

const ELSEWHERE = 'It is kept elsewhere, and boxes fetch from here only.'

const isSpeakable = ({ type, artifact }: Release): boolean => type === HANDLERS && artifact !== null

/** What is offered now, or meant and there already: it may have lost that. */
function meantNow({ answers, offers }: CheckedIn): Release | null {
  const offered = offers.find(({ release }) => release.type === HANDLERS)
  if (offered) return offered.release
  const choice = answers[HANDLERS]?.choice
  return choice?.kind === 'nothing' && choice.because.code === 'nothing.already-installed'
    ? choice.release
    : null
}

/** The release it says it has; null when it does not say, or what nobody here knows. */
async function releaseNamed(
  desk: DeviceDesk,
  { device }: KnownBox,
  named: string | null,
): Promise<Release | null> {
  const id = named === null ? null : releaseIn(named)
  return id === null ? null : desk.releaseOf(device, id)
}

const taking =
  (desk: DeviceDesk, known: KnownBox, release: Release, operation: Operation | undefined) =>
  async ({ isWhole }: { isWhole: boolean }) => {
    if (operation) await desk.noteFetching(known.device, operation, { isWhole })
    if (isWhole) await desk.boxWasGiven(known, release)
  }

/** Nobody but an operator learns of it, in the device's log. */
async function untold(
  desk: DeviceDesk,
  { device }: KnownBox,
  { title, version }: Release,
  why: string,
): Promise<Given> {
  const message = `${title}@${version} cannot be given to a box. ${why}`
  const reason = { code: 'release.unspeakable', message } as const
  await desk.notice(device, { kind: 'offer.refused', data: { title, version }, reason })
  return NOTHING
}
