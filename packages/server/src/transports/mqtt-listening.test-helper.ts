/** A listener for tests, which lets in nearly everybody and notes what they say. */
import {
  type MqttListener,
  type MqttMessage,
  type MqttOptions,
  type MqttSession,
  type MqttTaken,
  mqttListener,
} from './mqtt.ts'

/** Packets as they are written in the specifications. */
export const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
export const CONNECT_311 = '10 0c 0004 4d515454 04 02 0000 0000'
export const CONNECT_5 = '10 0d 0004 4d515454 05 02 0000 00 0000'

export interface Seen {
  readonly port: number
  readonly listener: MqttListener
  readonly messages: MqttMessage[]
  readonly sessions: MqttSession[]
  readonly closed: string[]
  /** The filters of each session with a key when it was opened; null of a new one. */
  readonly opened: (readonly [string, number][] | null)[]
  readonly subscriptions: string[]
  /** What was logged as a mistake of ours. */
  readonly bugs: object[]
  /** What to do with a message besides noting it. */
  onMessage: (message: MqttMessage, session: MqttSession) => Promise<MqttTaken>
}

const stops: (() => Promise<void>)[] = []

/** For after each test. */
export async function stopListening(): Promise<void> {
  for (const stop of stops.splice(0)) await stop()
}

/**
 * Lets everybody in once the gate is open, but for `nobody`, who is refused, and `bug`, at whose name it breaks. `kept` has
 * a session with its client identifier as the key, and `anew` one that is never resumed. `first` is refused by another
 * gate before, and `nobodys` none says anything of.
 */
export async function listening(
  limits?: MqttOptions['limits'],
  gate?: Promise<void>,
): Promise<Seen> {
  const messages: MqttMessage[] = []
  const sessions: MqttSession[] = []
  const closed: string[] = []
  const opened: Seen['opened'] = []
  const subscriptions: string[] = []
  const bugs: object[] = []
  let ids = 0
  const seen = {
    onMessage: async (): Promise<MqttTaken> => ({}),
  } as unknown as { onMessage: Seen['onMessage'] }
  const listener = mqttListener({
    log: {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (details) => bugs.push(details),
    },
    limits,
    newClientId: () => `new-${++ids}`,
    gates: [
      async ({ username }) =>
        username === 'first' ? { kind: 'refused', refusal: { reason: 0x88, returnCode: 3 } } : null,
      async (hello, session) => {
        await gate
        if (hello.username === 'nobodys') return null
        if (hello.username === 'nobody') {
          return { kind: 'refused', refusal: { reason: 0x86, returnCode: 5 } }
        }
        if (hello.username === 'bug') throw new Error('A bug.')
        sessions.push(session)
        const isKept = hello.username === 'kept' || hello.username === 'anew'
        return {
          kind: 'accepted',
          ...(isKept && {
            session: { key: hello.clientId, isResumable: hello.username === 'kept' },
          }),
          visitor: {
            published: async (message) => {
              messages.push(message)
              return seen.onMessage(message, session)
            },
            opened: async (resumed) => {
              if (isKept) opened.push(resumed && [...resumed])
            },
            subscribed: async (filters) => {
              subscriptions.push(...filters.map(({ filter }) => filter))
              return filters.map(({ filter, qos }) =>
                filter === 'no' ? null : isKept ? qos : qos > 0 ? 1 : 0,
              )
            },
            unsubscribed: async (filters) => filters.map((filter) => filter !== 'no'),
            closed: () => void closed.push(session.clientId),
          },
        }
      },
    ],
  })
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 })
  stops.push(() => listener.close())
  return Object.assign(seen, {
    port,
    listener,
    messages,
    sessions,
    closed,
    opened,
    subscriptions,
    bugs,
  })
}

export const texts = (messages: readonly MqttMessage[]) =>
  messages.map(({ payload }) => `${payload}`)
