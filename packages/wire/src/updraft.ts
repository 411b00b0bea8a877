/**
 * Our own device protocol: check in, fetch, report. Three requests; curl is enough.
 *
 * Unknown fields are ignored everywhere, so that either side may be newer than the other.
 */
import type { Json } from '@updraft/core'
import { z } from 'zod'

export const DEVICE_PREFIX = '/device/v1'

export const PATHS = {
  checkIn: `${DEVICE_PREFIX}/check-in`,
  report: `${DEVICE_PREFIX}/operations/:operation/report`,
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

export const CheckInRequest = z.object({
  installed: z.record(z.string(), installedComponent).default({}),
  facts: maybe(jsonObject),
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
})
export type Offer = z.infer<typeof Offer>

export const CheckInResponse = z.object({
  offers: z.array(Offer),
  nextCheckInSeconds: z.number(),
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

/** Errors come as application/problem+json (RFC 9457) with our code. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string().optional(),
  code: z.string(),
})
export type Problem = z.infer<typeof Problem>
