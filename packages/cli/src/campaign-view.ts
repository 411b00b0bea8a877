/** Campaigns, and what becomes of their devices, as tables for people. */
import type { Campaign, Forecast, Target } from '@updraft/api/shapes'
import {
  type Column,
  campaignCell,
  facts,
  type Look,
  nameOf,
  table,
  targetCell,
  timeText,
} from './print.ts'

/** One campaign, as it is now. */
export const shown = (campaign: Campaign) => ({
  json: campaign,
  text: (look: Look) => {
    const { tally, waves } = campaign
    const head = facts(
      [
        ['Campaign', campaign.name],
        ['Brings', nameOf(campaign.release)],
        ['Is', campaignCell(campaign)],
        ['Because', campaign.because],
        ['Asks nobody', campaign.gate?.message ?? null],
        [
          'Devices',
          `${campaign.total}: ${tally.successful} updated, ${tally.failed} failed, ${tally['in-progress']} in progress, ${tally.idle} waiting, ${tally.skipped} skipped`,
        ],
        ['Begins', campaign.startedAt ? null : timeText(campaign.scheduledAt, look)],
        ['Begun', timeText(campaign.startedAt, look)],
        ['Over', timeText(campaign.finishedAt, look)],
        ['Created', `${timeText(campaign.createdAt, look)} by ${campaign.createdBy}`],
      ],
      look,
    )
    const numbered = waves.map((wave, index) => ({ ...wave, number: index + 1 }))
    return waves.length > 1 ? `${head}\n\n${table(waveColumns(look), numbered, look)}` : head
  },
})

export const campaignColumns = (look: Look): readonly Column<Campaign>[] => [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Brings', cell: ({ release }) => nameOf(release) },
  { title: 'Is', cell: campaignCell },
  { title: 'Devices', cell: ({ total }) => total.toLocaleString('en'), isNumber: true },
  { title: 'Updated', cell: ({ tally }) => tally.successful.toLocaleString('en'), isNumber: true },
  { title: 'Failed', cell: ({ tally }) => tally.failed.toLocaleString('en'), isNumber: true },
  { title: 'Created', cell: ({ createdAt }) => timeText(createdAt, look) },
]

const waveColumns = (
  look: Look,
): readonly Column<Campaign['waves'][number] & { number: number }>[] => [
  { title: 'Wave', cell: ({ number }) => String(number), isNumber: true },
  { title: 'Devices', cell: ({ size }) => size.toLocaleString('en'), isNumber: true },
  { title: 'Asked', cell: ({ asked }) => asked.toLocaleString('en'), isNumber: true },
  { title: 'Updated', cell: ({ successful }) => successful.toLocaleString('en'), isNumber: true },
  { title: 'Failed', cell: ({ failed }) => failed.toLocaleString('en'), isNumber: true },
  { title: 'Opened', cell: ({ openedAt }) => timeText(openedAt, look) },
]

export const targetColumns: readonly Column<Target>[] = [
  { title: 'Device', cell: ({ device }) => device.name ?? 'removed' },
  { title: 'Is', cell: targetCell },
  { title: 'Wave', cell: ({ wave }) => (wave === null ? null : String(wave)), isNumber: true },
  { title: 'Because', cell: ({ because }) => because },
]

export const forecastColumns: readonly Column<Forecast>[] = [
  { title: 'Device', cell: ({ device }) => device.name },
  { title: 'Would', cell: ({ would }) => FORETOLD[would] },
  { title: 'Because', cell: ({ because }) => because },
]

const FORETOLD: Readonly<Record<Forecast['would'], string>> = {
  asked: 'be asked',
  waits: 'wait',
  successful: 'count as updated',
  failed: 'be refused',
  skipped: 'be skipped',
}
