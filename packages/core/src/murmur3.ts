/**
 * MurmurHash3 with seed 0, fed piece by piece. JavaScript's integers end at 32 bits, so the 128-bit variant
 * keeps each 64-bit word as two halves: BigInt arithmetic would be some fifty times slower.
 */

/** Takes bytes in pieces of any size; `digest()` ends it. */
export interface Murmur3 {
  update(bytes: Uint8Array): void
  digest(): Buffer
}

/** Cuts pieces of any size into whole blocks; what is left over waits for the next piece. */
class Blocks {
  readonly #size: number
  readonly #rest: Buffer
  #restLength = 0
  length = 0

  constructor(size: number) {
    this.#size = size
    this.#rest = Buffer.alloc(size)
  }

  /** Calls `mix` with views of which the range from `start` to `end` holds whole blocks. */
  feed(bytes: Uint8Array, mix: (view: DataView, start: number, end: number) => void): void {
    this.length += bytes.length
    let start = 0
    if (this.#restLength > 0) {
      start = Math.min(this.#size - this.#restLength, bytes.length)
      this.#rest.set(bytes.subarray(0, start), this.#restLength)
      this.#restLength += start
      if (this.#restLength < this.#size) return
      mix(viewOf(this.#rest), 0, this.#size)
    }
    const end = bytes.length - ((bytes.length - start) % this.#size)
    if (end > start) mix(viewOf(bytes), start, end)
    this.#rest.set(bytes.subarray(end))
    this.#restLength = bytes.length - end
  }

  /** The last, unfinished block, filled up with zeros. */
  tail(): DataView {
    return viewOf(this.#rest.fill(0, this.#restLength))
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits))

const scramble = (word: number) =>
  Math.imul(rotate(Math.imul(word, 0xcc9e2d51 | 0), 15), 0x1b873593)

/** The x86_32 variant: the four bytes of its result in little-endian order. */
export function murmur3x86(): Murmur3 {
  const blocks = new Blocks(4)
  let hash = 0

  const mix = (view: DataView, start: number, end: number) => {
    let h = hash
    for (let at = start; at < end; at += 4) {
      h = (Math.imul(rotate(h ^ scramble(view.getInt32(at, true)), 13), 5) + (0xe6546b64 | 0)) | 0
    }
    hash = h
  }

  return {
    update: (bytes) => blocks.feed(bytes, mix),
    digest() {
      let h = hash ^ scramble(blocks.tail().getInt32(0, true)) ^ (blocks.length >>> 0)
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
      const bytes = Buffer.alloc(4)
      bytes.writeInt32LE((h ^ (h >>> 16)) | 0)
      return bytes
    },
  }
}

// c1 = 0x87c37b91114253d5 and c2 = 0x4cf5ad432745937f of the x64_128 variant.
const C1_HIGH = 0x87c37b91 | 0
const C1_LOW = 0x114253d5
const C2_HIGH = 0x4cf5ad43
const C2_LOW = 0x2745937f

/** The upper 32 bits of the 64-bit product of two unsigned words, by their 16-bit halves. */
function upperProduct(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const first = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0
  const second = (Math.imul(aLow, bHigh) + (first & 0xffff)) | 0
  return (Math.imul(aHigh, bHigh) + (first >>> 16) + (second >>> 16)) | 0
}

/** 1 when the 32-bit sum of two words ran over, seen by its being smaller than either of them. */
const carryOf = (sum: number, summand: number) => (sum >>> 0 < summand >>> 0 ? 1 : 0)

/** The x64_128 variant: the first 64-bit word of its result in little-endian order, then the second. */
export function murmur3x64(): Murmur3 {
  const blocks = new Blocks(16)
  let oneLow = 0
  let oneHigh = 0
  let twoLow = 0
  let twoHigh = 0

  const mix = (view: DataView, start: number, end: number) => {
    let aLow = oneLow
    let aHigh = oneHigh
    let bLow = twoLow
    let bHigh = twoHigh
    for (let at = start; at < end; at += 16) {
      // first ^= rotate(word * c1, 31) * c2
      let low = view.getInt32(at, true)
      let high = view.getInt32(at + 4, true)
      let productLow = Math.imul(low, C1_LOW)
      let productHigh =
        (upperProduct(low, C1_LOW) + Math.imul(low, C1_HIGH) + Math.imul(high, C1_LOW)) | 0
      low = (productLow << 31) | (productHigh >>> 1)
      high = (productHigh << 31) | (productLow >>> 1)
      aLow ^= Math.imul(low, C2_LOW)
      aHigh ^= (upperProduct(low, C2_LOW) + Math.imul(low, C2_HIGH) + Math.imul(high, C2_LOW)) | 0

      // first = (rotate(first, 27) + second) * 5 + 0x52dce729
      low = (aLow << 27) | (aHigh >>> 5)
      high = (aHigh << 27) | (aLow >>> 5)
      aLow = (low + bLow) | 0
      aHigh = (high + bHigh + carryOf(aLow, low)) | 0
      low = (aLow + (aLow << 2)) | 0
      aHigh = (Math.imul(aHigh, 5) + (aLow >>> 30) + carryOf(low, aLow)) | 0
      aLow = (low + 0x52dce729) | 0
      aHigh = (aHigh + carryOf(aLow, low)) | 0

      // second ^= rotate(word * c2, 33) * c1
      low = view.getInt32(at + 8, true)
      high = view.getInt32(at + 12, true)
      productLow = Math.imul(low, C2_LOW)
      productHigh =
        (upperProduct(low, C2_LOW) + Math.imul(low, C2_HIGH) + Math.imul(high, C2_LOW)) | 0
      low = (productHigh << 1) | (productLow >>> 31)
      high = (productLow << 1) | (productHigh >>> 31)
      bLow ^= Math.imul(low, C1_LOW)
      bHigh ^= (upperProduct(low, C1_LOW) + Math.imul(low, C1_HIGH) + Math.imul(high, C1_LOW)) | 0

      // second = (rotate(second, 31) + first) * 5 + 0x38495ab5
      low = (bLow << 31) | (bHigh >>> 1)
      high = (bHigh << 31) | (bLow >>> 1)
      bLow = (low + aLow) | 0
      bHigh = (high + aHigh + carryOf(bLow, low)) | 0
      low = (bLow + (bLow << 2)) | 0
      bHigh = (Math.imul(bHigh, 5) + (bLow >>> 30) + carryOf(low, bLow)) | 0
      bLow = (low + 0x38495ab5) | 0
      bHigh = (bHigh + carryOf(bLow, low)) | 0
    }
    oneLow = aLow
    oneHigh = aHigh
    twoLow = bLow
    twoHigh = bHigh
  }

  return {
    update: (bytes) => blocks.feed(bytes, mix),
    digest() {
      // Once per hash: here BigInt is plain to read and quick enough.
      const tail = blocks.tail()
      const length = BigInt(blocks.length)
      const first = times(rotate64(times(tail.getBigUint64(0, true), C1), 31n), C2)
      const second = times(rotate64(times(tail.getBigUint64(8, true), C2), 33n), C1)
      let one = word64(oneHigh, oneLow) ^ first ^ length
      let two = word64(twoHigh, twoLow) ^ second ^ length
      one = BigInt.asUintN(64, one + two)
      two = BigInt.asUintN(64, two + one)
      one = finish64(one)
      two = finish64(two)
      one = BigInt.asUintN(64, one + two)
      two = BigInt.asUintN(64, two + one)
      const bytes = Buffer.alloc(16)
      bytes.writeBigUInt64LE(one, 0)
      bytes.writeBigUInt64LE(two, 8)
      return bytes
    },
  }
}

const word64 = (high: number, low: number) => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
const C1 = word64(C1_HIGH, C1_LOW)
const C2 = word64(C2_HIGH, C2_LOW)
const times = (a: bigint, b: bigint) => BigInt.asUintN(64, a * b)
const rotate64 = (word: bigint, bits: bigint) =>
  BigInt.asUintN(64, (word << bits) | (word >> (64n - bits)))

function finish64(word: bigint): bigint {
  let mixed = times(word ^ (word >> 33n), 0xff51afd7ed558ccdn)
  mixed = times(mixed ^ (mixed >> 33n), 0xc4ceb9fe1a85ec53n)
  return mixed ^ (mixed >> 33n)
}
