/** Variables that a boot loader and the system share: U-Boot's environment and GRUB's environment block. */
import { type Disk, readIfThere, writeDurably } from '../../disk.ts'
import { type Run, succeed } from './run.ts'

export interface BootEnvironment {
  /** For people. */
  readonly name: string
  /** Those of these variables that are set. */
  read(names: readonly string[]): Promise<Readonly<Record<string, string>>>
  /** All of them, or after a power cut none; an empty text where there is to be none. */
  write(variables: Readonly<Record<string, string>>): Promise<void>
}

/**
 * U-Boot's environment by its own tools. `fw_setenv -s -` takes all variables in one go; libubootenv reads them as
 * `name=value`, and the older tools take that as well.
 * (fw_setenv(8); docs.u-boot.org, "Environment variables" and "Boot count limit")
 */
export function uBootEnvironment(run: Run, options: readonly string[] = []): BootEnvironment {
  return {
    name: "U-Boot's environment",
    async read(names) {
      // Asked for all: one that is missing makes some versions fail, and others print it as empty.
      const text = await succeed(run, 'fw_printenv', options)
      return only(names, pairs(text))
    },
    async write(variables) {
      await succeed(run, 'fw_setenv', [...options, '-s', '-'], { stdin: lines(variables) })
    },
  }
}

const SIGNATURE = '# GRUB Environment Block\n'
const BLOCK_BYTES = 1024

/**
 * GRUB's block: 1,024 bytes that begin with its signature, a line each variable, the rest filled up with #. GRUB itself
 * writes into the same sectors at a start. `grub-editenv` does it where it is there.
 * (gnu.org/software/grub/manual: "The GRUB environment block", "Environment block" commands)
 */
export function grubEnvironment({
  path,
  disk,
  run,
}: {
  path: string
  disk: Disk
  run: Run
}): BootEnvironment {
  const read = async () => parseBlock((await readIfThere(disk, path)) ?? '', path)
  return {
    name: path,
    read: async (names) => only(names, await read()),
    async write(variables) {
      const all = { ...(await read()), ...variables }
      if (blockText(all) === null) throw new Error(`${path} has no room for more variables`)
      const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
      const { code } = await run('grub-editenv', [path, 'set', ...set])
      if (code === 127) await writeDurably(disk, path, blockText(all) ?? '')
      const after = only(Object.keys(variables), await read())
      const isWritten = Object.entries(variables).every(([key, value]) => after[key] === value)
      if (!isWritten) throw new Error(`${path} cannot be changed`)
    },
  }
}

function parseBlock(text: string, path: string): Record<string, string> {
  if (!text.startsWith(SIGNATURE)) throw new Error(`${path} is no environment block of GRUB`)
  // A value may hold a line break, escaped as GRUB does it; ours never do.
  return pairs(text.replace(/\\\n/g, ''))
}

function blockText(variables: Readonly<Record<string, string>>): string | null {
  const escaped = Object.entries(variables).map(
    ([name, value]) => `${name}=${value.replace(/[\\\n]/g, '\\$&')}\n`,
  )
  const text = `${SIGNATURE}${escaped.join('')}`
  return text.length <= BLOCK_BYTES ? text.padEnd(BLOCK_BYTES, '#') : null
}

function pairs(text: string): Record<string, string> {
  const found = text.split('\n').flatMap((line) => {
    const at = line.startsWith('#') ? -1 : line.indexOf('=')
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : []
  })
  return Object.fromEntries(found)
}

function only(names: readonly string[], all: Readonly<Record<string, string>>) {
  const found = names.flatMap((name) => {
    const value = all[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(found)
}

const lines = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
