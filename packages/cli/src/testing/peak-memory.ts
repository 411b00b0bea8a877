/** Preloaded into a child (`node --import`): at its end it says how much memory it held at most, in bytes. */
import { readFileSync, writeFileSync } from 'node:fs'

process.on('exit', () => {
  writeFileSync(process.env.PEAK_MEMORY_FILE ?? '/dev/null', String(peakBytes()))
})

/** The kernel's figure since this program began; getrusage still counts the process it was forked from. */
function peakBytes(): number {
  try {
    const [, kilobytes] =
      /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    if (kilobytes) return Number(kilobytes) * 1024
  } catch {
    // No /proc here.
  }
  return process.resourceUsage().maxRSS * 1024
}
