/** Devices of Astarte: how their pairing looks, and ids for new ones. */
import { IconBan, IconCheck, IconClock } from '@tabler/icons-react'
import type { Pairing } from '@updraft/api/shapes'
import type { Appearance } from './campaigns.ts'

export const PAIRED: Readonly<Record<Pairing['status'], Appearance>> = {
  pending: { word: 'pending', Icon: IconClock, look: 'QUEUED' },
  confirmed: { word: 'confirmed', Icon: IconCheck, look: 'UPDATED' },
  inhibited: { word: 'inhibited', Icon: IconBan, look: 'NEEDS_ATTENTION' },
}

/** What it means, beside its word. */
export const PAIRED_MEANS: Readonly<Record<Pairing['status'], string>> = {
  pending: 'registered, and has not fetched a certificate yet',
  confirmed: 'has fetched its certificate',
  inhibited: 'kept outside: refused whatever it shows',
}

/** 128 random bits in base64url. */
export function newAstarteId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
