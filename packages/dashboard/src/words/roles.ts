import type { Role } from '@updraft/core'

const WORDS: Readonly<Record<Role, { word: string; meaning: string }>> = {
  'system-administrator': {
    word: 'System administrator',
    meaning: 'administers this tenant, and makes others',
  },
  'tenant-administrator': {
    word: 'Administrator',
    meaning: 'everything within this tenant',
  },
  operator: { word: 'Operator', meaning: 'devices, packages and updates' },
  viewer: { word: 'Viewer', meaning: 'sees everything, changes nothing' },
  'customer-user': {
    word: 'Customer user',
    meaning: 'the devices of one customer, and what fits them',
  },
}

export const roleWord = (role: Role): string => WORDS[role].word
export const roleMeaning = (role: Role): string => WORDS[role].meaning
