/**
 * What the sample `http_firmware_client.py` of ThingsBoard's documents does: polls, sends null for what it does not
 * know, asks for one chunk too many, throws dice for whether a download is damaged, and then begins anew
 * [How clients count].
 */
const KEYS = ['fw_title', 'fw_version', 'fw_size', 'fw_checksum', 'fw_checksum_algorithm']

/** Polls until it has updated once; `throws` says of each download whether it is good. Answers the file. */
export async function docsHttpSample(its: {
  url: string
  token: string
  chunkBytes: number
  throws: readonly boolean[]
}): Promise<Buffer> {
  const { chunkBytes, throws } = its
  const base = `${its.url}/api/v1/${its.token}`
  const headers = { 'content-type': 'application/json' }
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${base}/${path}`, { ...init, headers })
    if (answer.status !== 200) throw new Error(`${path} was answered ${answer.status}.`)
    return Buffer.from(await answer.arrayBuffer())
  }
  let runs: Record<string, string | null> = { current_fw_title: null, current_fw_version: null }
  const tell = async (words: object) => {
    const body = JSON.stringify({ ...runs, ...words })
    const answer = await ask('telemetry', { method: 'POST', body })
    if (answer.length > 0) JSON.parse(answer.toString())
  }

  await tell({})
  for (let download = 0; ; ) {
    const query = KEYS.map((key) => `sharedKeys=${key}`).join('&')
    const { shared } = JSON.parse((await ask(`attributes?${query}`)).toString())
    if (!shared || shared.fw_version === runs.current_fw_version) continue
    await tell({ fw_state: 'DOWNLOADING' })
    const chunks: Buffer[] = []
    const count = chunkBytes > 0 ? Math.ceil(shared.fw_size / chunkBytes) + 1 : 1
    for (let chunk = 0; chunk < count; chunk++) {
      const { fw_title: title, fw_version: version } = shared
      const asked = new URLSearchParams({
        title,
        version,
        size: `${chunkBytes}`,
        chunk: `${chunk}`,
      })
      chunks.push(await ask(`firmware?${asked}`))
    }
    await tell({ fw_state: 'DOWNLOADED' })
    const isGood = throws[download] ?? true
    download += 1
    if (!isGood) {
      await tell({ fw_state: 'FAILED' })
      continue
    }
    await tell({ fw_state: 'VERIFIED' })
    await tell({ fw_state: 'UPDATING' })
    runs = { current_fw_title: shared.fw_title, current_fw_version: shared.fw_version }
    await tell({ fw_state: 'UPDATED' })
    return Buffer.concat(chunks)
  }
}
