// Preloaded into long-running children: when the process that started them is gone, even by force,
// they are asked to stop as if by a person, and nothing is left running behind a terminal.

if (process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}
