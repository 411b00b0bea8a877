/** What is done in the background, by event or by the clock, also while nobody calls. */
import { artifactSweeper } from '../app/artifact-sweeper.ts'
import { campaignRunner } from '../app/campaign-runner.ts'
import type { CampaignsUseCases } from '../app/campaigns.ts'
import { credentialSweeper } from '../app/credential-sweeper.ts'
import { historySweeper } from '../app/history-sweeper.ts'
import { logSweeper } from '../app/log-sweeper.ts'
import { policyCounter } from '../app/policy-counter.ts'
import { registrationSweeper } from '../app/registration-sweeper.ts'
import { silenceWatch } from '../app/silence-watch.ts'
import { spreader } from '../app/spreader.ts'
import { artifactSweep } from '../store/artifact-sweep.ts'
import { campaignWork } from '../store/campaign-work.ts'
import { credentialSweep } from '../store/credential-sweep.ts'
import { historySweep } from '../store/history-sweep.ts'
import { policyWork } from '../store/policies.ts'
import { silences } from '../store/silences.ts'
import { spreads } from '../store/spreads.ts'
import type { DeviceSide } from './device-side.ts'
import type { Foundation } from './foundation.ts'

interface Job {
  start(): void
  stop(): Promise<void>
}

/** In the order in which they begin. */
export function background(
  foundation: Foundation,
  { copier, logs, look, ofServer, registrations, sessions, settings }: DeviceSide,
  { addNewcomers }: Pick<CampaignsUseCases, 'addNewcomers'>,
): readonly Job[] {
  const { announce, artifacts, clock, database, every, feed, report, unitOfWork } = foundation
  return [
    spreader({
      feed,
      look,
      spreads: spreads(database),
      onError: report('devices could not be looked at; it is tried again'),
    }),
    silenceWatch({
      clock,
      every,
      liveSessions: sessions,
      deadlineSeconds: ofServer.silenceDeadlineSeconds,
      silences: silences(database),
      look,
      onError: report('devices that went silent could not be looked for; it is tried again'),
    }),
    campaignRunner({
      ...foundation,
      liveSessions: sessions,
      look,
      work: campaignWork({ database, announce }),
      addNewcomers,
      onError: report('a campaign could not be carried on; it is tried again'),
    }),
    policyCounter({
      work: policyWork(database),
      every,
      onError: report('the devices policies are for could not be counted; it is tried again'),
    }),
    copier,
    artifactSweeper({
      artifacts,
      clock,
      sweep: artifactSweep(database),
      uploads: artifacts.uploads,
      onError: report('unused files could not be removed; it is tried again'),
    }),
    credentialSweeper({
      clock,
      sweep: credentialSweep(database),
      unitOfWork,
      onError: report('credentials that are over could not be taken back; it is tried again'),
    }),
    historySweeper({
      clock,
      sweep: historySweep(database),
      settings,
      onError: report('old history could not be removed; it is tried again'),
    }),
    logSweeper({
      clock,
      logs,
      onError: report('old lines of devices could not be removed; it is tried again'),
    }),
    registrationSweeper({
      clock,
      registrations,
      onError: report('devices that came no more could not be forgotten; it is tried again'),
    }),
  ]
}
