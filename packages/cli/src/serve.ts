/** Hands over to the server, which is a package of its own and need not be installed beside this one. */
import { Refusal } from './errors.ts'

interface Server {
  readonly main: (argv: string[]) => unknown
}

/** The cli's only arrow there. Everything after `serve` is the server's business, `--help` too. */
export async function serve(argv: readonly string[], specifier = '@updraft/server'): Promise<void> {
  const server: Server = await import(specifier).catch((error: NodeJS.ErrnoException) => {
    const isMissing =
      error.code === 'ERR_MODULE_NOT_FOUND' &&
      (error.message.includes(`'${specifier}'`) || error.message.includes('server/src/main.ts'))
    if (!isMissing) throw error
    throw new Refusal({
      code: 'server.not-installed',
      message: 'The server is not installed beside this command.',
      hint: 'Run `updraft serve` in an installation that has it; the other commands need only its address.',
      cause: error,
    })
  })
  await server.main([...argv])
}
