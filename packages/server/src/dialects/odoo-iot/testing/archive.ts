/** Archives of handlers for tests. */
import { Readable } from 'node:stream'
import { fromBuffer } from 'yauzl'
import { ZipFile } from 'yazl'

/** By their paths. */
export async function archiveOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new ZipFile()
  for (const [path, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), path)
  zip.end()
  return gathered(Readable.from(zip.outputStream))
}

/** What a box finds in it. */
export const filesIn = (archive: Uint8Array): Promise<Record<string, string>> =>
  new Promise((resolve, reject) => {
    const files: Record<string, string> = {}
    fromBuffer(Buffer.from(archive), { lazyEntries: true }, (error, zip) => {
      if (error) return reject(error)
      zip.on('entry', (entry) => {
        zip.openReadStream(entry, async (failed, stream) => {
          if (failed) return reject(failed)
          files[entry.fileName] = (await gathered(stream)).toString()
          zip.readEntry()
        })
      })
      zip.on('end', () => resolve(files))
      zip.readEntry()
    })
  })

async function gathered(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}
