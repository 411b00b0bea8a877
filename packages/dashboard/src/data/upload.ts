/**
 * A file on its way to the server. It goes on by itself after a broken connection; and where it was when the same file
 * is chosen again within a day, also in another tab: the server keeps what came, the browser where that is.
 */
import type { Artifact } from '@updraft/api/shapes'
import { useEffect, useState, useSyncExternalStore } from 'react'
import type { DetailedError, Upload } from 'tus-js-client'
import { api, sessionHeaders } from './client.ts'
import { rate } from './rate.ts'

/** Of one request: small enough that a refusal is heard soon, and for most of what stands in between. */
const REQUEST_BYTES = 32 * 1024 * 1024
const TELL_EVERY_MS = 150
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 15_000
/** Refused for now: somebody else goes on with it, or the server is not there. A full disk is there to stay. */
const isPassing = (status: number) => status === 409 || (status >= 500 && status !== 507)

export type UploadStep =
  | { readonly kind: 'sending'; readonly bytesPerSecond: number | null }
  /** All was sent, and the server reads it through. */
  | { readonly kind: 'checking' }
  | { readonly kind: 'paused' }
  /** It is tried again by itself. */
  | { readonly kind: 'broken' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'done'; readonly artifact: Artifact }

export interface UploadState {
  readonly file: File
  readonly step: UploadStep
  readonly sentBytes: number
  /** Where it went on when the file was chosen; 0 for one that began anew. */
  readonly resumedAtBytes: number
}

interface Sending {
  pause(): void
  goOn(): void
  /** Sends no more; what came stays with the server for a day. */
  stop(): void
  /** Stops, and what came is forgotten. Not heard if it cannot be: it is swept. */
  abandon(): void
}

/** The upload of a dialog, begun and ended there. It outlives no dialog. */
export interface UploadControl {
  begin(file: File): void
  pause(): void
  goOn(): void
  abandon(): void
  /** As it is now, if there is one. */
  state(): UploadState | null
  subscribe(watcher: () => void): () => void
}

export function useUpload(): UploadControl {
  const [control] = useState(uploadControl)
  useEffect(() => () => control.stop(), [control])
  return control
}

/**
 * What `select` takes of its state, to be shown. Progress comes several times a second: only what shows it should ask
 * for it.
 */
export const useUploadState = <T>(
  { subscribe, state }: UploadControl,
  select: (state: UploadState | null) => T,
): T => useSyncExternalStore(subscribe, () => select(state()))

function uploadControl(): UploadControl & { stop(): void } {
  const watchers = new Set<() => void>()
  let state: UploadState | null = null
  let sending: Sending | null = null
  const become = (now: UploadState | null) => {
    state = now
    for (const each of watchers) each()
  }
  return {
    state: () => state,
    subscribe: (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    begin: (file) => {
      sending?.abandon()
      sending = send(file, become)
    },
    pause: () => sending?.pause(),
    goOn: () => sending?.goOn(),
    stop: () => sending?.stop(),
    abandon: () => {
      sending?.abandon()
      sending = null
      become(null)
    },
  }
}

function send(file: File, onChange: (state: UploadState) => void): Sending {
  const endpoint = `${location.origin}/api/uploads`
  const speed = rate()
  let upload: Upload | undefined
  let isStopped = false
  let isPaused = false
  let sentBytes = 0
  let resumedAtBytes = 0
  let isFirst = true
  let toldMs = 0
  let attempts = 0
  let retry: ReturnType<typeof setTimeout> | undefined

  const tell = (step: UploadStep) => {
    toldMs = performance.now()
    if (!isStopped) onChange({ file, step, sentBytes, resumedAtBytes })
  }

  const onProgress = (bytes: number) => {
    if (isFirst) resumedAtBytes = bytes
    isFirst = false
    if (bytes > sentBytes) attempts = 0
    sentBytes = bytes
    const bytesPerSecond = speed.at(performance.now(), bytes)
    if (bytes === file.size) tell({ kind: 'checking' })
    else if (performance.now() - toldMs > TELL_EVERY_MS) tell({ kind: 'sending', bytesPerSecond })
  }

  const onSuccess = async () => {
    const id = upload?.url?.split('/').at(-1) ?? ''
    const { artifact } = await api('showUpload', { params: { id } })
    if (!artifact) throw new Error('All came, and it is no artifact.')
    removeEventListener('online', start)
    sentBytes = file.size
    tell({ kind: 'done', artifact })
  }

  const onBroken = () => {
    tell({ kind: 'broken' })
    retry = setTimeout(start, Math.min(FIRST_RETRY_MS * 2 ** attempts, LONGEST_RETRY_MS))
    attempts += 1
  }

  const onError = (error: Error | DetailedError) => {
    const response = 'originalResponse' in error ? error.originalResponse : null
    const status = response?.getStatus()
    if (!response || status === undefined || isPassing(status)) onBroken()
    else if (status === 404 && upload?.url) startAnew(upload)
    else tell({ kind: 'refused', message: detailIn(response.getBody(), status) })
  }

  /** What the browser remembered is no more there. */
  const startAnew = (known: Upload) => {
    known.url = null
    known.options.endpoint = endpoint
    start()
  }

  function start() {
    clearTimeout(retry)
    if (isStopped || isPaused || !upload) return
    speed.forget()
    // One that is on its way already would be sent twice.
    void upload.abort().then(() => {
      if (!isStopped && !isPaused) upload?.start()
    })
  }

  const open = async () => {
    const tus = await import('tus-js-client')
    const made = new tus.Upload(file, {
      endpoint,
      chunkSize: REQUEST_BYTES,
      // It would give up after a while; a person would not.
      retryDelays: null,
      metadata: { filename: file.name },
      onBeforeRequest: (request) => {
        for (const [name, value] of Object.entries(sessionHeaders())) request.setHeader(name, value)
      },
      // Once it is known where it is, a server that is away for a moment must not have it begun anew.
      onUploadUrlAvailable: () => {
        made.options.endpoint = null
      },
      onProgress,
      onSuccess: () => void onSuccess().catch(onBroken),
      onError,
    })
    const [known] = await made.findPreviousUploads()
    if (known) {
      made.resumeFromPreviousUpload(known)
      made.options.endpoint = null
    }
    upload = made
    addEventListener('online', start)
    start()
  }

  tell({ kind: 'sending', bytesPerSecond: null })
  // Without its code nothing can be sent: as good as a broken connection, but for going on.
  open().catch(() =>
    tell({ kind: 'refused', message: 'The server cannot be reached. Choose the file again.' }),
  )

  const stop = () => {
    isStopped = true
    clearTimeout(retry)
    removeEventListener('online', start)
    void upload?.abort()
  }
  return {
    pause: () => {
      isPaused = true
      clearTimeout(retry)
      void upload?.abort()
      tell({ kind: 'paused' })
    },
    goOn: () => {
      isPaused = false
      tell({ kind: 'sending', bytesPerSecond: null })
      start()
    },
    stop,
    abandon: () => {
      stop()
      void upload?.abort(true).catch(() => {})
    },
  }
}

function detailIn(body: string, status: number): string {
  try {
    return JSON.parse(body).detail
  } catch {
    return `The server answered ${status}.`
  }
}
