import { describe, expect, test } from 'vitest'
import {
  type BoxForm,
  boxFormOf,
  checkedBoxForm,
  DEFAULT_BOX_FORM,
  keptBack,
  restraintsOf,
  withBoxForm,
} from './box-form.ts'
import type { Device, Json, JsonObject } from './device.ts'
import { refusal } from './refusal.test-helper.ts'

const NOON = new Date('2026-03-02T12:00:00Z')
const form = (changes: Partial<BoxForm> = {}): BoxForm => ({ ...DEFAULT_BOX_FORM, ...changes })
const layers = (layer: string, updates: 'automatic' | 'button'): Partial<BoxForm> => ({
  layers: { ...DEFAULT_BOX_FORM.layers, [layer]: { channel: 'stable', updates } },
})
const box = (attributes: JsonObject, changes: Partial<Device> = {}) => ({
  attributes,
  inventory: { box: {} },
  dialect: 'updraft',
  ...changes,
})

describe('the form of a device', () => {
  test.each([
    ['says that it is a box', box({}), true],
    ['is one of Odoo’s', box({}, { inventory: {}, dialect: 'odoo-iot' }), true],
    ['had something set', box({ box: {} }, { inventory: {} }), true],
    ['is none', box({}, { inventory: { box: 'no' } }), false],
  ])('that %s', (_what, device, isBox) => {
    expect(boxFormOf(device)).toEqual(isBox ? DEFAULT_BOX_FORM : null)
  })

  test('stands in its attributes, beside others', () => {
    const set = form({
      automaticDriversUpdate: false,
      hold: { reason: 'a fair', until: null },
      windows: '22:00-04:00',
      codeFrom: 'server',
      ...layers('image', 'automatic'),
    })
    const attributes = withBoxForm({ site: 'north' }, set)
    expect(attributes).toMatchObject({ site: 'north', automaticDriversUpdate: false })
    expect(boxFormOf(box(attributes))).toEqual(set)
  })

  test.each([
    [{ automaticDriversUpdate: 'false' }, {}],
    [{ automaticDriversUpdate: false }, { automaticDriversUpdate: false }],
    [{ box: { windows: 'at night', codeFrom: 'git', hold: 'yes', layers: [] } }, {}],
    [{ box: { layers: { image: { updates: 'never', channel: 7 } } } }, {}],
    [{ box: { hold: {} } }, { hold: { reason: 'An operator holds it.', until: null } }],
    [{ box: { hold: { reason: 'x', until: 'soon' } } }, { hold: { reason: 'x', until: null } }],
  ])('written by hand as %j is read as well as can be', (attributes, expected) => {
    expect(boxFormOf(box(attributes as JsonObject))).toEqual(form(expected))
  })
})

describe('what a form keeps back', () => {
  const hold = (until: string | null) => ({ hold: { reason: 'a fair', until } })
  test.each<[string, Partial<BoxForm>, string, boolean, string | null]>([
    ['handlers, as usual', {}, 'handlers', false, null],
    ['an image, as usual', {}, 'image', false, 'box.button, if asked'],
    ['an image that is asked for', {}, 'image', true, null],
    ['what is no layer', {}, 'firmware', false, null],
    [
      'handlers with the switch off',
      { automaticDriversUpdate: false },
      'handlers',
      false,
      'box.drivers-off, if asked',
    ],
    ['code with the switch off', { automaticDriversUpdate: false }, 'code', false, null],
    ['handlers by button', layers('handlers', 'button'), 'handlers', false, 'box.button, if asked'],
    ['an image that comes by itself', layers('image', 'automatic'), 'image', false, null],
    ['what is held', hold(null), 'handlers', false, 'box.hold'],
    ['what is held and asked for', hold(null), 'handlers', true, 'box.hold'],
    ['what is no layer and held', hold(null), 'firmware', false, 'box.hold'],
    [
      'what is held for a while',
      hold('2026-03-02T13:00:00Z'),
      'handlers',
      false,
      'box.hold, again 2026-03-02T13:00:00.000Z',
    ],
    ['what was held', hold('2026-03-02T12:00:00Z'), 'handlers', false, null],
    [
      'outside of windows',
      { windows: '22:00-04:00' },
      'code',
      false,
      'box.window, if asked, again 2026-03-02T22:00:00.000Z',
    ],
    ['outside of windows, asked for', { windows: '22:00-04:00' }, 'code', true, null],
    ['within windows', { windows: '11:00-13:00' }, 'code', false, null],
    [
      'by button within windows',
      { windows: '11:00-13:00' },
      'image',
      false,
      'box.button, if asked',
    ],
  ])('%s', (_what, changes, type, isAsked, expected) => {
    const restraints = { ...form(changes), wentBackFrom: {} }
    const release = { title: 'R', version: '1', type }
    const kept = keptBack(restraints, { release, isAsked, now: NOON })
    const text = kept && [
      kept.because.code,
      ...(kept.comesIfAsked ? ['if asked'] : []),
      ...(kept.lookAgainAt ? [`again ${kept.lookAgainAt.toISOString()}`] : []),
    ]
    expect(text?.join(', ') ?? null).toBe(expected)
  })
})

describe('what somebody at a box went back from', () => {
  const told = (wentBackFrom: Json) =>
    restraintsOf(box({}, { inventory: { box: { layers: { handlers: { wentBackFrom } } } } }))

  test.each<[string, Json, string, boolean, string | null]>([
    ['waits', { title: 'R', version: '1' }, 'handlers', false, 'box.went-back'],
    ['comes when it is asked for', { title: 'R', version: '1' }, 'handlers', true, null],
    ['is no other version', { title: 'R', version: '2' }, 'handlers', false, null],
    ['is no other layer', { title: 'R', version: '1' }, 'code', false, null],
    ['is nothing where nobody did', null, 'handlers', false, null],
    ['is nothing that can be read', { title: 7 }, 'handlers', false, null],
  ])('%s', (_what, wentBackFrom, type, isAsked, expected) => {
    const restraints = told(wentBackFrom)
    const release = { title: 'R', version: '1', type }
    const kept = restraints && keptBack(restraints, { release, isAsked, now: NOON })
    expect(kept?.because.code ?? null).toBe(expected)
  })
})

describe('a form', () => {
  test('is kept trimmed, its times in one spelling', () => {
    const said = form({
      windows: ' 22:00-04:00 ',
      hold: { reason: ' a fair ', until: '2026-12-24T18:00Z' },
    })
    expect(checkedBoxForm(said)).toEqual(
      form({
        windows: '22:00-04:00',
        hold: { reason: 'a fair', until: '2026-12-24T18:00:00.000Z' },
      }),
    )
  })

  test.each<[Partial<BoxForm>, string]>([
    [{ windows: 'at night' }, 'The maintenance window "at night" cannot be read.'],
    [{ windows: ' '.repeat(3000) + 'x'.repeat(2049) }, 'longer than 2048'],
    [{ hold: { reason: ' ', until: null } }, 'A hold needs a reason'],
    [{ hold: { reason: 'a\nb', until: null } }, 'is one line'],
    [{ hold: { reason: 'a', until: 'soon' } }, '"soon" is no time'],
    [
      { layers: { ...DEFAULT_BOX_FORM.layers, code: { channel: 'Beta!', updates: 'button' } } },
      'The channel "Beta!" of code',
    ],
  ])('%j is refused', (changes, words) => {
    const check = () => checkedBoxForm(form(changes))
    expect(refusal(check)).toBe('box.invalid')
    expect(check).toThrow(words)
  })
})
