/** Pictures of pages hold few colours: with a palette of 256 a PNG is a third as large, and nobody sees it. */
import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const MAX_COLOURS = 256
const RGB = 2
const PALETTE = 3

type Colour = readonly [red: number, green: number, blue: number]
interface Counted {
  readonly colour: Colour
  readonly pixels: number
}

/** Of a PNG as Chromium writes it: eight bits a channel, no transparency, not interlaced. */
export function smallPng(png: Buffer): Buffer {
  const { width, height, pixels } = decode(png)
  const counts = new Map<number, number>()
  for (let at = 0; at < pixels.length; at += 3) {
    const key = pixels.readUIntBE(at, 3)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const counted = [...counts].map(([key, count]) => ({ colour: colourOf(key), pixels: count }))
  const palette = paletteOf(counted)
  const indexOf = new Map([...counts.keys()].map((key) => [key, nearest(palette, colourOf(key))]))
  const rows = Buffer.alloc(height * (width + 1))
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const key = pixels.readUIntBE((y * width + x) * 3, 3)
      rows[y * (width + 1) + 1 + x] = indexOf.get(key) ?? 0
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, PALETTE], 8)
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flat())),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const colourOf = (key: number): Colour => [key >> 16, (key >> 8) & 255, key & 255]

/** Boxes of colours are halved where they are widest, until there are enough; each is its mean (median cut). */
function paletteOf(counted: readonly Counted[]): Colour[] {
  let boxes: (readonly Counted[])[] = [counted]
  while (boxes.length < MAX_COLOURS) {
    const widest = boxes.reduce((most, box) =>
      spread(box).weight > spread(most).weight ? box : most,
    )
    if (widest.length < 2) break
    const { channel } = spread(widest)
    const sorted = widest.toSorted((a, b) => a.colour[channel] - b.colour[channel])
    const half = sorted.length >> 1
    boxes = [...boxes.filter((box) => box !== widest), sorted.slice(0, half), sorted.slice(half)]
  }
  return boxes.map(mean)
}

const spreads = new WeakMap<readonly Counted[], { channel: 0 | 1 | 2; weight: number }>()

/** The channel in which the box is widest, and how much would be gained by halving it. */
function spread(box: readonly Counted[]): { channel: 0 | 1 | 2; weight: number } {
  const known = spreads.get(box)
  if (known) return known
  let found: { channel: 0 | 1 | 2; weight: number } = { channel: 0, weight: -1 }
  const pixels = box.reduce((sum, each) => sum + each.pixels, 0)
  for (const channel of [0, 1, 2] as const) {
    const values = box.map(({ colour }) => colour[channel])
    const width = values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b))
    const weight = width * Math.sqrt(Math.sqrt(pixels))
    if (weight > found.weight) found = { channel, weight }
  }
  spreads.set(box, found)
  return found
}

/** The most frequent colour where one rules, so that grounds keep theirs exactly; else the mean. */
function mean(box: readonly Counted[]): Colour {
  const pixels = box.reduce((sum, each) => sum + each.pixels, 0)
  const first = box.reduce((most, each) => (each.pixels > most.pixels ? each : most))
  if (first.pixels > pixels / 2) return first.colour
  const of = (channel: 0 | 1 | 2) =>
    Math.round(box.reduce((sum, each) => sum + each.colour[channel] * each.pixels, 0) / pixels)
  return [of(0), of(1), of(2)]
}

function nearest(palette: readonly Colour[], [red, green, blue]: Colour): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (const [index, [r, g, b]] of palette.entries()) {
    const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2
    if (distance < least) [best, least] = [index, distance]
  }
  return best
}

function decode(png: Buffer): { width: number; height: number; pixels: Buffer } {
  const data: Buffer[] = []
  let width = 0
  let height = 0
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    const body = png.subarray(at + 8, at + 8 + length)
    if (type === 'IHDR') {
      width = body.readUInt32BE(0)
      height = body.readUInt32BE(4)
      if (body[8] !== 8 || body[9] !== RGB || body[12] !== 0) throw new Error('Not such a PNG.')
    }
    if (type === 'IDAT') data.push(body)
    at += 12 + length
  }
  return { width, height, pixels: unfiltered(inflateSync(Buffer.concat(data)), width * 3, height) }
}

/** Each row says how it was written: as differences to the left, above, or both (PNG, 9.2). */
function unfiltered(rows: Buffer, rowBytes: number, height: number): Buffer {
  const pixels = Buffer.alloc(rowBytes * height)
  for (let y = 0; y < height; y += 1) {
    const filter = rows[y * (rowBytes + 1)] ?? 0
    for (let x = 0; x < rowBytes; x += 1) {
      const to = y * rowBytes + x
      const left = x >= 3 ? (pixels[to - 3] ?? 0) : 0
      const above = y > 0 ? (pixels[to - rowBytes] ?? 0) : 0
      const corner = x >= 3 && y > 0 ? (pixels[to - rowBytes - 3] ?? 0) : 0
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter] ?? 0
      pixels[to] = (rows[y * (rowBytes + 1) + 1 + x] ?? 0) + guess
    }
  }
  return pixels
}

function paeth(left: number, above: number, corner: number): number {
  const guess = left + above - corner
  const [a, b, c] = [left, above, corner].map((each) => Math.abs(guess - each)) as [
    number,
    number,
    number,
  ]
  return a <= b && a <= c ? left : b <= c ? above : corner
}

function chunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body])
  const whole = Buffer.alloc(named.length + 8)
  whole.writeUInt32BE(body.length, 0)
  named.copy(whole, 4)
  whole.writeUInt32BE(crc32(named), whole.length - 4)
  return whole
}
