/**
 * What a device of Astarte keeps from start to start: its id, its secret, and the key and certificate it got for it.
 * One file, written whole: the secret before credentials are asked for with it, as after that it is not given again.
 */
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { type Disk, readIfThere, writeDurably } from '../disk.ts'
import { jsonOf } from '../json.ts'

export interface Kept {
  /** Whose these are: of another server, realm or device they are worth nothing. */
  readonly server: string
  readonly realm: string
  readonly astarteId: string
  readonly secret: string | null
  /** PEM, both or neither. */
  readonly key: string | null
  readonly certificate: string | null
}

const FILE = 'edgehog.json'
const ID_BYTES = 16

export class KeptFile {
  readonly #disk: Disk
  readonly #path: string
  readonly #about: { readonly server: string; readonly realm: string; readonly id: string | null }

  constructor(
    { disk, folder }: { disk: Disk; folder: string },
    about: { server: string; realm: string; id: string | null },
  ) {
    this.#disk = disk
    this.#path = join(folder, FILE)
    this.#about = about
  }

  /** What is kept of this device. An id that nobody gave is made up, and kept before anything is done with it. */
  async read(): Promise<Kept> {
    const { server, realm, id } = this.#about
    const text = await readIfThere(this.#disk, this.#path)
    const found = jsonOf(text ?? '') as Partial<Kept> | null | undefined
    const isOurs =
      found?.server === server &&
      found.realm === realm &&
      (id ?? found.astarteId) === found.astarteId
    if (isOurs && found?.astarteId) {
      const { astarteId, secret = null, key = null, certificate = null } = found
      return { server, realm, astarteId, secret, key, certificate }
    }
    const astarteId = id ?? found?.astarteId ?? randomBytes(ID_BYTES).toString('base64url')
    const fresh = { server, realm, astarteId, secret: null, key: null, certificate: null }
    await this.write(fresh)
    return fresh
  }

  /** When this resolves, it is on the medium. */
  async write(kept: Kept): Promise<void> {
    await this.#disk.mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    await writeDurably(this.#disk, this.#path, `${JSON.stringify(kept, null, 2)}\n`)
  }
}
