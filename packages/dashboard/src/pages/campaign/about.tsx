/** What was set when the campaign was made. */
import { Link } from '@tanstack/react-router'
import { Copyable } from '../../parts/copyable.tsx'
import { Facts } from '../../parts/detail.tsx'
import { Section } from '../../parts/section.tsx'
import { handlingText } from '../../words/handling.ts'
import { plural } from '../../words/numbers.ts'
import { span } from '../../words/time.ts'
import type { CampaignData } from '../campaign.tsx'

export function About({ campaign: { id, settings, rollsBack } }: { campaign: CampaignData }) {
  const { stopRule, progressTimeoutSeconds, windows, windowAttribute } = settings
  const stops = `at more than ${settings.maxFailurePercentage} % of all devices failed`
  return (
    <Section title="Settings">
      <Facts
        facts={[
          ['At a time', plural(settings.maxInProgress, 'device')],
          [
            'Stops',
            stopRule
              ? `${stops}; or of those that ended more than ${stopRule.failurePercentage} %, from ${stopRule.minFinished} on`
              : stops,
          ],
          ...(settings.rollsBackOnStop
            ? [['When it stops', 'devices go back to what they had'] as const]
            : []),
          [
            'Silent devices',
            `asked again after ${span(settings.requestTimeoutSeconds)}, ${plural(settings.requestRetries, 'time')}`,
          ],
          [
            'Stuck devices',
            progressTimeoutSeconds === null
              ? 'are waited for without end'
              : `have failed after ${span(progressTimeoutSeconds)} without word`,
          ],
          ['Force downgrade', settings.forceDowngrade ? 'yes' : 'no'],
          ['Handling', handlingText(settings)],
          ['Windows', windows === '' ? 'at any time' : windows],
          ...(windowAttribute === null
            ? []
            : [['Own windows', `in attribute ${windowAttribute}`] as const]),
          ['Newcomers', settings.isDynamic ? 'join' : 'stay out'],
          ...(rollsBack === null
            ? []
            : [
                [
                  'Takes back',
                  <Link
                    key="of"
                    to="/campaigns/$campaignId"
                    params={{ campaignId: rollsBack }}
                    className="plain-link"
                  >
                    this campaign
                  </Link>,
                ] as const,
              ]),
          ['Id', <Copyable key="id" text={id} what="id" />],
        ]}
      />
    </Section>
  )
}
