/** Boxes: gateways that fetch their handlers as one archive; and what devices log. */
import {
  CODE_SOURCES,
  DEFAULT_BOX_FORM,
  DEFAULT_CHANNEL,
  LAYER_UPDATES,
  LOG_LEVELS,
  WISH_KINDS,
} from '@updraft/core'
import { z } from 'zod'
import { ReleaseRef } from './releases.ts'
import { Id, named, Reason, Time, TypeName } from './words.ts'

const url = z.string().describe('scheme and host by which boxes of the profile reach the server')
const series = z
  .string()
  .describe('the series of their code that they are to follow: 17.0, saas~17.4 or master')

export const BoxServer = named(
  'BoxServer',
  z.object({
    url,
    series,
    tokens: z
      .object({
        pipes: z.string().nullable().describe('for boxes before 18.0; null where no key fits'),
        url: z.string().describe('for boxes from 18.0 on'),
      })
      .nullable()
      .describe('pasted into a box so that it comes; null while devices may not enrol themselves'),
  }),
)
export type BoxServer = z.infer<typeof BoxServer>

export const BoxServerDraft = named(
  'BoxServerDraft',
  z.object({ url: url.max(2048), series: series.max(64) }),
)

const LayerForm = z.object({
  channel: z
    .string()
    .max(64)
    .default(DEFAULT_CHANNEL)
    .describe(
      'a lower-case name, to be asked for in expressions: attributes.box.layers.image.channel',
    ),
  updates: z
    .enum(LAYER_UPDATES)
    .describe('button: only when somebody presses it on the page of the box'),
})
const usual = DEFAULT_BOX_FORM.layers
/** Left out: as usual. */
const layerForm = (layer: keyof typeof usual) =>
  LayerForm.extend({ updates: LayerForm.shape.updates.default(usual[layer].updates) }).default({
    ...usual[layer],
  })

/** What is left out of it is set to what is usual. */
export const BoxForm = named(
  'BoxForm',
  z.object({
    automaticDriversUpdate: z
      .boolean()
      .default(true)
      .describe('off: new handlers come only by the button Load handlers'),
    hold: z
      .object({
        reason: z.string().max(1024).describe('what people at the box read'),
        until: Time.nullable().default(null).describe('null: until an operator says so'),
      })
      .nullable()
      .default(null)
      .describe('nothing is changed on the box while it is held, not by the button either'),
    windows: z
      .string()
      .max(4096)
      .default('')
      .describe(
        'when updates may be installed that nobody presses a button for: Mon-Fri 22:00-04:00 Europe/Berlin; … Empty: always',
      ),
    layers: z
      .object({
        handlers: layerForm('handlers'),
        code: layerForm('code'),
        image: layerForm('image'),
      })
      .default({
        handlers: { ...usual.handlers },
        code: { ...usual.code },
        image: { ...usual.image },
      }),
    codeFrom: z
      .enum(CODE_SOURCES)
      .default('upstream')
      .describe('where code comes from: the upstream repository, or releases of this server'),
  }),
)
export type BoxForm = z.infer<typeof BoxForm>

export const Box = named(
  'Box',
  z.object({
    deviceId: Id,
    name: z.string(),
    kind: z.enum(['updraft', 'odoo']).describe("updraft: speaks Updraft's own protocol"),
    form: BoxForm,
    series: z
      .string()
      .nullable()
      .describe('the series of code it is to follow, of its profile; null where nobody said'),
    held: z
      .array(
        z.object({
          type: TypeName,
          release: ReleaseRef,
          because: z.string(),
          reason: Reason,
          comesIfAsked: z.boolean().describe('the button on the page of the box lets it come'),
          lookAgainAt: Time.nullable().describe('when time alone lets it come'),
        }),
      )
      .describe('what is meant for it and may not come now'),
    canRestart: z.boolean().describe('whether it can be told to restart, and to load handlers'),
    wishes: z
      .array(
        z.object({
          id: Id,
          kind: z.enum(WISH_KINDS),
          askedAt: Time,
          toldAt: Time.nullable(),
        }),
      )
      .describe('what it was asked to do once and has not done yet'),
  }),
)
export type Box = z.infer<typeof Box>

export const LogLine = named(
  'LogLine',
  z.object({
    id: z.string(),
    at: Time.describe("by the device's clock, where it tells one"),
    receivedAt: Time,
    level: z.enum(LOG_LEVELS),
    message: z.string(),
  }),
)
export type LogLine = z.infer<typeof LogLine>
