import { readFile } from 'node:fs/promises'
import { Away, messageOf } from './trouble.ts'

/** What a file holds that only this device may know. A file that cannot be read may be there later. */
export async function readSecret(path: string, what: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    const message = `The ${what} file cannot be read: ${messageOf(error)}.`
    throw new Away(message, { kind: 'unauthorised', cause: error })
  }
}
