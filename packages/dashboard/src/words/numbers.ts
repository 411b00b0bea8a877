/** Sizes and counts as a person reads them. */

const count = new Intl.NumberFormat('en')
const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const

export const counted = (value: number): string => count.format(value)

/** "1 device", "2,000 devices". */
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${counted(value)} ${value === 1 ? one : many}`

/** Bytes in steps of 1000, as storage is sold: "1.5 MB". */
export function size(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}
