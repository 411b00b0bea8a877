/** What part numbers stand for: system models and hardware types of a tenant. */
import type { HardwareType, Marks, SystemModel } from '@updraft/core'
import type { AudienceName } from './audience.ts'
import type { Page, PageQuery } from './paging.ts'

export interface SystemModelView extends Omit<SystemModel, 'hardwareTypeId' | 'profileId'> {
  readonly hardwareType: AudienceName | null
  readonly profile: { readonly id: string; readonly name: string } | null
}

interface Marked {
  /** Others that have that handle, that name or one of these part numbers. */
  alike(marks: Partial<Marks>, exceptId: string): Promise<readonly Marks[]>
}

export interface HardwareTypes extends Marked {
  /** Refuses with hardware-type.duplicate or part-number.taken. */
  insert(type: HardwareType): Promise<void>
  /** Refuses with hardware-type.unknown. */
  get(id: string): Promise<HardwareType>
  /** Those of them there are, in no order. */
  several(ids: readonly string[]): Promise<readonly HardwareType[]>
  page(query: PageQuery & { handle?: string }): Promise<Page<HardwareType>>
  /** Refuses with hardware-type.unknown, hardware-type.duplicate or part-number.taken. */
  change(id: string, to: Partial<Marks>): Promise<void>
  /** Refuses with hardware-type.unknown or hardware-type.in-use. */
  remove(id: string): Promise<void>
}

export interface SystemModels extends Marked {
  /** Refuses with system-model.duplicate, part-number.taken, hardware-type.unknown or profile.unknown. */
  insert(model: SystemModel): Promise<void>
  /** Refuses with system-model.unknown. */
  get(id: string): Promise<SystemModelView>
  /** Those of them there are, in no order. */
  several(ids: readonly string[]): Promise<readonly SystemModelView[]>
  /** The one that has the part number. */
  ofPartNumber(partNumber: string): Promise<SystemModelView | null>
  page(
    query: PageQuery & { handle?: string; hardwareTypeId?: string; profileId?: string },
  ): Promise<Page<SystemModelView>>
  /** Refuses with system-model.unknown, system-model.duplicate, part-number.taken or profile.unknown. */
  change(id: string, to: Partial<Marks & Pick<SystemModel, 'profileId'>>): Promise<void>
  /** Refuses with system-model.unknown. */
  remove(id: string): Promise<void>
}
