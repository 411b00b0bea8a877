/** System models and hardware types: what a device is, as its part number says. */
import { checkedHandle } from './audience.ts'
import { checkedName, isName } from './device.ts'
import { DomainError } from './errors.ts'

export interface HardwareType {
  readonly id: string
  readonly handle: string
  readonly name: string
  /** At least one; each is of one hardware type only. */
  readonly partNumbers: readonly string[]
  readonly createdAt: Date
}

/** Its part numbers are of one system model only; the hardware type may have them too. */
export interface SystemModel extends HardwareType {
  /** Never another one. */
  readonly hardwareTypeId: string | null
  /** What devices get that are added without a profile. */
  readonly profileId: string | null
}

export type ModelKind = 'system model' | 'hardware type'

/** By what one is told from another. */
export type Marks = Pick<HardwareType, 'handle' | 'name' | 'partNumbers'>

const MAX_PART_NUMBER_LENGTH = 255
const MAX_PART_NUMBERS = 500

/** Those of the marks that are given, as they are kept. Refuses with request.malformed. */
export function checkedMarks<Given extends Partial<Marks>>(
  what: ModelKind,
  { handle, name, partNumbers }: Given,
): Pick<Marks, keyof Given & keyof Marks> {
  return {
    ...(handle !== undefined && { handle: checkedHandle(what, handle) }),
    ...(name !== undefined && { name: checkedName(what, name) }),
    ...(partNumbers !== undefined && { partNumbers: checkedPartNumbers(what, partNumbers) }),
  } as Pick<Marks, keyof Given & keyof Marks>
}

/** Trimmed, in order, each once. */
function checkedPartNumbers(what: ModelKind, partNumbers: readonly string[]): string[] {
  const texts = [...new Set(partNumbers.map((each) => each.trim()))].sort()
  if (texts.length === 0 || texts.length > MAX_PART_NUMBERS) {
    const message = `A ${what} has 1 to ${MAX_PART_NUMBERS} part numbers.`
    throw new DomainError('request.malformed', message)
  }
  const isPartNumber = (text: string) => isName(text) && text.length <= MAX_PART_NUMBER_LENGTH
  if (texts.every(isPartNumber)) return texts
  const message = `A part number has 1 to ${MAX_PART_NUMBER_LENGTH} characters, none of them a control character.`
  throw new DomainError('request.malformed', message)
}

/** Refuses with system-model.duplicate, hardware-type.duplicate or part-number.taken, saying whose it is. */
export function checkNotTaken(
  what: ModelKind,
  { handle, name, partNumbers = [] }: Partial<Marks>,
  others: readonly Marks[],
): void {
  const code = what === 'system model' ? 'system-model.duplicate' : 'hardware-type.duplicate'
  for (const other of others) {
    const whose = `is ${what} "${other.name}"'s already`
    if (other.handle === handle) {
      throw new DomainError(code, `Handle "${handle}" ${whose}.`, { handle, of: other.name })
    }
    if (other.name === name) {
      throw new DomainError(code, `There is a ${what} "${name}" already.`, { name, of: other.name })
    }
    const partNumber = partNumbers.find((each) => other.partNumbers.includes(each))
    if (partNumber !== undefined) {
      const message = `Part number "${partNumber}" ${whose}.`
      throw new DomainError('part-number.taken', message, { partNumber, of: other.name })
    }
  }
}
