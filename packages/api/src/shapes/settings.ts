/** What a tenant may set for itself. */
import { eachSetting, limitsOf, TENANT_SETTINGS, type TenantSetting } from '@updraft/core'
import { z } from 'zod'
import { named } from './words.ts'

const settingShape = (name: TenantSetting) =>
  z.int().describe(`${TENANT_SETTINGS[name].meaning}; ${limitsOf(name)}`)

export const Settings = named(
  'Settings',
  z.object({
    inForce: z.object(eachSetting(settingShape)).describe('what holds'),
    own: z
      .object(eachSetting((name) => settingShape(name).nullable()))
      .describe('what the tenant has set; null is as the server has it'),
    ofServer: z.object(eachSetting(settingShape)).describe('what the server has'),
  }),
)
export type Settings = z.infer<typeof Settings>

export const SettingsChange = named(
  'SettingsChange',
  z.strictObject(eachSetting((name) => settingShape(name).nullable().optional())),
)
