/**
 * Our own device protocol: check in, fetch, report. Three requests; curl is enough.
 *
 * Unknown fields are ignored everywhere, so that either side may be newer than the other.
 */
import { CODE_SOURCES, type Json, LAYER_UPDATES, LOG_LEVELS, WISH_KINDS } from '@updraft/core'
import { z } from 'zod'

export const DEVICE_PREFIX = '/device/v1'

export const PATHS = {
  register: `${DEVICE_PREFIX}/register`,
  checkIn: `${DEVICE_PREFIX}/check-in`,
  report: `${DEVICE_PREFIX}/operations/:operation/report`,
  log: `${DEVICE_PREFIX}/log`,
  artifact: `${DEVICE_PREFIX}/artifacts/:ticket/:fileName`,
} as const

export const reportPath = (operation: string): string =>
  `${DEVICE_PREFIX}/operations/${encodeURIComponent(operation)}/report`

/** The file name is there for whoever saves the bytes; signs that a path would stumble over are left out. */
export const artifactPath = (ticket: string, fileName: string): string => {
  const name = fileName.toWellFormed().replace(/[\p{Cc}/\\]|^\.{0,2}$/gu, '_')
  return `${DEVICE_PREFIX}/artifacts/${ticket}/${encodeURIComponent(name)}`
}

/** A check-in larger than this is refused with 413; a device's facts are a page, not a book. */
export const MAX_CHECK_IN_BYTES = 1_048_576
/** The longest a check-in may be held open with `Prefer: wait=SECONDS` (RFC 7240). */
export const MAX_WAIT_SECONDS = 300

/** Left out, or null as some programs spell it: the same. */
const maybe = <T extends z.ZodType>(shape: T) =>
  shape
    .nullable()
    .transform((value) => value ?? undefined)
    .optional()

const text = z.string().max(255)
const installedComponent = z.object({ title: text.nullish(), version: text.nullish() })
/** An object as JSON.parse gave it: its values are JSON already and are not walked once more. */
const jsonObject = z.record(z.string(), z.custom<Json>())

/** A device that has no token yet asks for one, with the provisioning key of its profile; repeated, the answer is the same. */
export const RegisterRequest = z.object({
  key: z.string().min(1).max(255),
  /** By which it is known for good, such as a serial number: unique within the profile. */
  id: z.string().min(1).max(255),
  /** What it tells of itself while it waits to be claimed. */
  facts: maybe(jsonObject),
})
export type RegisterRequest = z.input<typeof RegisterRequest>

/** 201. While it waits to be claimed the answer is 202, without a token. */
export const RegisterResponse = z.object({ token: z.string() })
export type RegisterResponse = z.infer<typeof RegisterResponse>
export const WaitingResponse = z.object({ retryAfterSeconds: z.number() })
export type WaitingResponse = z.infer<typeof WaitingResponse>

export const CheckInRequest = z.object({
  installed: z.record(z.string(), installedComponent).default({}),
  facts: maybe(jsonObject),
  /** Component types that somebody at the device asked for, by a button of a box's page. */
  asked: maybe(z.array(z.string().max(64)).max(64)),
  /** Ids of wishes that were carried out, or never will be. */
  done: maybe(z.array(z.string().max(64)).max(64)),
})
export type CheckInRequest = z.input<typeof CheckInRequest>

export const Offer = z.object({
  /** Names the operation in reports. */
  operation: z.string(),
  type: z.string(),
  title: z.string(),
  version: z.string(),
  /** Bytes; absent for an external URL whose size nobody told. */
  size: z.number().int().optional(),
  /** Lower-case hex; absent for an external URL without a SHA-256. */
  sha256: z.string().optional(),
  checksum: z.object({ algorithm: z.string(), value: z.string() }).optional(),
  /** Absolute URL of the bytes; needs no further authorisation, takes Range and If-Range. */
  artifact: z.string(),
  because: z.string().optional(),
  /** What other components have to run for it, by type, as requirements such as `>= 24.10`; the device looks again. */
  needs: z.record(z.string(), z.string()).optional(),
})
export type Offer = z.infer<typeof Offer>

export { BOX_LAYERS, type BoxLayerName } from '@updraft/core'

const LayerForm = z.object({
  channel: z.string(),
  /** `button`: only when somebody presses it on the page of the box. */
  updates: z.enum(LAYER_UPDATES),
})

/** What operators have set for a box. The box keeps it, and holds to it while it is offline. */
export const BoxForm = z.object({
  /** The series of code that boxes are to follow, such as 17.0; absent where nobody said. */
  series: z.string().optional(),
  automaticDriversUpdate: z.boolean(),
  /** Nothing is changed on the box until then; without a time, until an operator says so. */
  hold: z.object({ reason: z.string(), until: z.string().nullable() }).nullable(),
  /** When updates may be installed unless somebody presses a button, `Mon-Fri 22:00-04:00 Europe/Berlin; …`; empty: always. */
  windows: z.string(),
  layers: z.object({ handlers: LayerForm, code: LayerForm, image: LayerForm }),
  /** Where code comes from: the upstream repository, or the configured server's releases. */
  codeFrom: z.enum(CODE_SOURCES),
})
export type BoxForm = z.infer<typeof BoxForm>

/** A release that is meant for the device and held back: it waits for a button, a window, or the end of a hold. */
export const HeldRelease = z.object({
  type: z.string(),
  title: z.string(),
  version: z.string(),
  size: z.number().int().optional(),
  because: z.string(),
  /** Whether the button of the box's page lets it come. */
  comesIfAsked: z.boolean(),
})
export type HeldRelease = z.infer<typeof HeldRelease>

/** Something an operator wants done once; told until the device says that it is `done`. */
export const Wish = z.object({ id: z.string(), kind: z.enum(WISH_KINDS) })
export type Wish = z.infer<typeof Wish>

export const CheckInResponse = z.object({
  offers: z.array(Offer),
  nextCheckInSeconds: z.number(),
  /** For boxes only. */
  box: BoxForm.optional(),
  held: z.array(HeldRelease).optional(),
  wishes: z.array(Wish).optional(),
})
export type CheckInResponse = z.infer<typeof CheckInResponse>

export const ReportRequest = z.object({
  /** DOWNLOADING, DOWNLOADED, VERIFIED, UPDATING, UPDATED or FAILED. */
  state: z.string(),
  /** Percent, 0 to 100. */
  progress: maybe(z.number().min(0).max(100)),
  /** A failure is heard however long its words are; they are kept up to a page or two. */
  error: maybe(z.string()),
  /** What the device runs, if it is to say so with the report. UPDATED without it means: the target. */
  installed: maybe(installedComponent),
})
export type ReportRequest = z.infer<typeof ReportRequest>

export const ReportResponse = z.object({
  /** What the report did: `moved`, `repeated` or `ignored`. */
  outcome: z.string(),
  /** The state the operation is in now. */
  state: z.string(),
  because: z.string(),
})
export type ReportResponse = z.infer<typeof ReportResponse>

/** Lines a device kept while it was away, oldest first; `sequence` grows by one with each line it ever wrote. */
export const LogRequest = z.object({
  lines: z
    .array(
      z.object({
        sequence: z.number().int().min(0),
        /** ISO 8601 by the device's clock. */
        at: z.string().max(40),
        level: z.enum(LOG_LEVELS),
        message: z.string().max(4096),
      }),
    )
    .max(500),
})
export type LogRequest = z.input<typeof LogRequest>

/** All lines up to that one are kept, and need not be told again. */
export const LogResponse = z.object({ taken: z.number().int() })
export type LogResponse = z.infer<typeof LogResponse>

/** Errors come as application/problem+json (RFC 9457) with our code. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string().optional(),
  code: z.string(),
})
export type Problem = z.infer<typeof Problem>
