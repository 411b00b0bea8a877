/** The file of a request: it comes after all that says what is to be done with it, and is read as it comes. */
import { DomainError } from '@updraft/core'
import type { IncomingFile } from '../multipart.ts'

/** Where an argument says that a file is: the part that is to come. */
export class Upload {
  readonly part: string

  constructor(part: string) {
    this.part = part
  }
}

/** The file of that part. Refuses with request.malformed when none came, or another. */
export function fileOf(upload: Upload, file: IncomingFile | null): IncomingFile {
  if (file && file.part === upload.part) return file
  const what = file ? `The file came in part "${file.part}"` : 'No file came with the request'
  throw new DomainError('request.malformed', `${what}; the argument names part "${upload.part}".`)
}
