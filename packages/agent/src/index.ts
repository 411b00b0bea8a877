/** What programs that embed the agent may use. */
export type {
  Agent,
  AgentEvents,
  CheckInAnswer,
  Fetched,
  Installer,
  InstallJob,
  InstallResponse,
  InstallResult,
  Offer,
  OutgoingReport,
  RunEnd,
  Uplink,
} from './agent.ts'
export { type AgentOptions, createAgent } from './create-agent.ts'
export type { Disk } from './disk.ts'
export { type AskInstalled, type InstalledByType, parseInstalled } from './installed.ts'
export { type ScriptInstallerOptions, scriptInstaller } from './installers/script.ts'
export { StateFolderTaken } from './lock.ts'
export { type Log, type LogLevel, lineLog } from './log.ts'
export { Away, UpdateFailed } from './trouble.ts'
export { fetchByRange } from './uplinks/by-range.ts'
export { type ThingsBoardOptions, thingsBoardUplink } from './uplinks/thingsboard.ts'
export { type UpdraftOptions, updraftUplink } from './uplinks/updraft.ts'
export { type BackOff, type Clock, type Random, systemClock } from './waits.ts'
