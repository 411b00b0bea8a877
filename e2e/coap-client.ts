/** A device that knows only libcoap's coap-client. */
import { spawn } from 'node:child_process'

export const COAP_CLIENT = 'coap-client-notls'

export interface CoapRun {
  /** What the server answered, byte for byte. */
  readonly body: Buffer
  /** The code of a refusal, as `4.04`; undefined when it was none. */
  readonly refusal: string | undefined
  /** What stood behind that code. */
  readonly words: string
}

/** Runs coap-client with those arguments to its end. */
export async function coap(...args: string[]): Promise<CoapRun> {
  const { ended } = coapClient(...args)
  return ended
}

/** Runs it and hands over what it prints while it still runs. */
export function coapClient(...args: string[]): {
  readonly ended: Promise<CoapRun>
  /** What it has printed, once that holds the text. */
  printed(text: string): Promise<string>
  stop(): Promise<void>
} {
  const child = spawn(COAP_CLIENT, ['-B', '20', '-o', '-', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const out: Buffer[] = []
  let errors = ''
  let look = () => {}
  child.stdout.on('data', (piece: Buffer) => {
    out.push(piece)
    look()
  })
  child.stderr.on('data', (piece: Buffer) => {
    errors += piece
  })
  const ended = new Promise<CoapRun>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => {
      const [, refusal, words = ''] = /^([45]\.\d\d) ?(.*)/m.exec(errors) ?? []
      resolve({ body: Buffer.concat(out), refusal, words })
    })
  })
  return {
    ended,
    printed: (text) =>
      new Promise((resolve, reject) => {
        look = () => {
          const all = Buffer.concat(out).toString()
          if (all.includes(text)) resolve(all)
        }
        look()
        ended.then(() => reject(new Error(`It ended without a word of ${text}: ${errors}`)), reject)
      }),
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}
