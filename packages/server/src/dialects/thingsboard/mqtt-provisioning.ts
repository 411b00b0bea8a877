/** A session that enrols a device, and then ends [Provisioning]. */
import { DomainError } from '@updraft/core'
import { PROVISION_TOPICS } from '@updraft/wire/thingsboard-mqtt'
import type { DeviceDesk } from '../../app/device-desk.ts'
import type { MqttSession, MqttVisitor } from '../../transports/mqtt.ts'
import { jsonOf } from './mqtt-json.ts'
import { TOPIC_INVALID } from './mqtt-needs.ts'
import { provision } from './provisioning.ts'

/** Time to read the answer, and to try again. */
const STAYS_MS = 60_000

export function enrolment(session: MqttSession, desk: DeviceDesk): MqttVisitor {
  let ending: NodeJS.Timeout | undefined

  const answer = async (payload: Buffer) => {
    let response: object
    try {
      response = await provision(desk, jsonOf(payload))
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      response = { status: 'FAILURE', errorMsg: error.message }
    }
    await session.publish(PROVISION_TOPICS.response, JSON.stringify(response), 1)
    ending ??= setTimeout(() => session.close('administrative-action'), STAYS_MS).unref()
  }

  return {
    published: async ({ topic, payload }) =>
      topic === PROVISION_TOPICS.request ? { afterwards: () => answer(payload) } : TOPIC_INVALID,
    subscribed: async (filters) =>
      filters.map(({ filter, qos }) =>
        filter === PROVISION_TOPICS.response ? (qos > 0 ? 1 : 0) : null,
      ),
    unsubscribed: async (filters) => filters.map((filter) => filter === PROVISION_TOPICS.response),
    closed: () => clearTimeout(ending),
  }
}
