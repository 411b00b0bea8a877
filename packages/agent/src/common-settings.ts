/** Settings that every program of the agent has. */
import { setting } from './settings-table.ts'

export const INTERVAL_SECONDS = setting(
  'interval-seconds',
  'UPDRAFT_INTERVAL_SECONDS',
  'seconds',
  '3600',
  'between check-ins, unless the server says otherwise; a tenth less or more each time',
)

export const FIXED_INTERVAL = setting(
  'fixed-interval',
  'UPDRAFT_FIXED_INTERVAL',
  'yes/no',
  'no',
  "the server's own wish for the next check-in does not count",
)

export const ANSWER_SECONDS = setting(
  'answer-seconds',
  'UPDRAFT_ANSWER_SECONDS',
  'seconds',
  '30',
  'the longest wait for an answer',
)

export const MAX_BYTES_PER_SECOND = setting(
  'max-bytes-per-second',
  'UPDRAFT_MAX_BYTES_PER_SECOND',
  'bytes/s',
  '0',
  'bandwidth limit for downloads; 0 is none',
)

export const STALL_SECONDS = setting(
  'stall-seconds',
  'UPDRAFT_STALL_SECONDS',
  'seconds',
  '60',
  'a download without a byte for so long is broken off and resumed',
)

export const MAX_BACK_OFF_SECONDS = setting(
  'max-back-off-seconds',
  'UPDRAFT_MAX_BACK_OFF_SECONDS',
  'seconds',
  '600',
  'the longest wait after failures in a row',
)

export const LOG_FORMAT = setting(
  'log-format',
  'UPDRAFT_LOG_FORMAT',
  'text|json',
  '',
  'lines on stderr; text on a terminal, JSON otherwise',
)
