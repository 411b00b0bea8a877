/** The form of a box, in flags: what is not said stays as it is. */
import type { Box, BoxForm } from '@updraft/api/shapes'
import { BOX_LAYERS, CODE_SOURCES, checkedBoxForm, LAYER_UPDATES } from '@updraft/core'
import { command, oneOf, text, time, yes } from '../command.ts'
import { WrongWords } from '../errors.ts'
import { findDevice } from '../lookup.ts'
import { facts, type Look, timeText } from '../print.ts'

const YES_OR_NO = ['yes', 'no'] as const

interface Said {
  readonly automaticDrivers?: (typeof YES_OR_NO)[number]
  readonly hold?: string
  readonly until?: string
  readonly releaseHold?: boolean
  readonly windows?: string
  readonly layer?: (typeof BOX_LAYERS)[number]
  readonly channel?: string
  readonly updates?: (typeof LAYER_UPDATES)[number]
  readonly codeFrom?: (typeof CODE_SOURCES)[number]
}

export const boxFormCommand = command({
  words: 'box form <name>',
  about: 'what is set for a box and what that keeps back; with flags, set it',
  flags: {
    automaticDrivers: oneOf(
      '--automatic-drivers <yes|no>',
      'whether new handlers come by themselves',
      YES_OR_NO,
    ),
    hold: text('--hold <reason>', 'change nothing on it, not by the button either'),
    until: time('--until <time>', 'the end of the hold (default: until it is released)'),
    releaseHold: yes('--release-hold', 'end the hold'),
    windows: text(
      '--windows <windows>',
      'when updates may come by themselves, Mon-Fri 22:00-04:00 Europe/Berlin; … ("": always)',
    ),
    layer: oneOf('--layer <layer>', 'handlers, code or image, for the next two', BOX_LAYERS),
    channel: text('--channel <name>', 'which releases of the layer it is for, in expressions'),
    updates: oneOf('--updates <how>', 'automatic, or by the button on its page', LAYER_UPDATES),
    codeFrom: oneOf('--code-from <where>', 'upstream, or releases of this server', CODE_SOURCES),
  },
  examples: [
    'updraft box form KASSA-1',
    'updraft box form KASSA-1 --automatic-drivers no',
    'updraft box form KASSA-1 --hold "Christmas trade" --until 2026-12-27',
    'updraft box form KASSA-1 --release-hold --windows "Mon-Fri 22:00-04:00 Europe/Berlin"',
    'updraft box form KASSA-1 --layer image --channel beta --updates automatic',
  ],
  run: async ({ name, ...said }, { client }) => {
    const params = { id: (await findDevice(client, name)).id }
    const before = await client('showBox', { params })
    const isSaid = Object.values(said).some((value) => value !== undefined)
    const box = isSaid
      ? await client('setBoxForm', { params, body: changed(before.form, said) })
      : before
    return { json: box, text: (look) => boxText(box, look) }
  },
})

function changed(form: BoxForm, said: Said): BoxForm {
  const { automaticDrivers, hold, until, releaseHold, windows, codeFrom } = said
  if (until !== undefined && hold === undefined) throw new WrongWords('--until goes with --hold.')
  if (releaseHold && hold !== undefined) {
    throw new WrongWords('Either --hold or --release-hold, not both.')
  }
  const isHeld = hold !== undefined || releaseHold
  const next: BoxForm = {
    ...form,
    ...(automaticDrivers && { automaticDriversUpdate: automaticDrivers === 'yes' }),
    ...(isHeld && { hold: hold === undefined ? null : { reason: hold, until: until ?? null } }),
    ...(windows !== undefined && { windows }),
    ...(codeFrom && { codeFrom }),
    layers: { ...form.layers, ...layerOf(form, said) },
  }
  checkedBoxForm(next)
  return next
}

function layerOf({ layers }: BoxForm, { layer, channel, updates }: Said): Partial<typeof layers> {
  if (layer === undefined) {
    if (channel === undefined && updates === undefined) return {}
    throw new WrongWords('--channel and --updates go with --layer.')
  }
  const before = layers[layer]
  return { [layer]: { channel: channel ?? before.channel, updates: updates ?? before.updates } }
}

const boxText = ({ form, series, held, wishes }: Box, look: Look): string =>
  facts(
    [
      ['Series', series],
      ['Automatic drivers update', form.automaticDriversUpdate ? 'yes' : 'no'],
      ['Hold', form.hold && holdText(form.hold, look)],
      ['Windows', form.windows === '' ? 'always' : form.windows],
      ...BOX_LAYERS.map((layer): [string, string] => {
        const { channel, updates } = form.layers[layer]
        return [`Layer ${layer}`, `${channel}, ${updates === 'button' ? 'by button' : updates}`]
      }),
      ['Code from', form.codeFrom],
      ['Kept back', held.map(({ because }) => because).join(' ') || null],
      [
        'To do once',
        wishes.map(({ kind, toldAt }) => `${kind}${toldAt ? ', told' : ''}`).join('; ') || null,
      ],
    ],
    look,
  )

const holdText = ({ reason, until }: NonNullable<BoxForm['hold']>, look: Look): string =>
  until === null ? reason : `${reason}; it ends ${timeText(until, look)}`
