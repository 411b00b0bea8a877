export function ensureServices(): Promise<void>
export function pathOf(command: string): string | undefined
export function hasCommand(command: string): boolean
export function firmwareFiles(): Promise<
  { readonly seabios: string; readonly ubootRpi: readonly string[] } | undefined
>
export function pythonWith(name: string): Promise<string | undefined>
export function pahoFolder(): Promise<string | undefined>
export function commandOf(command: string): Promise<string | undefined>
