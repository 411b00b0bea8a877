import { useEffect, useEffectEvent } from 'react'

/** The dialog is all there is now: what is dropped beside it is meant for it, and must not replace the page. */
export function useDropsAnywhere(take: (file: File) => void): void {
  const onDrop = useEffectEvent(take)
  useEffect(() => takeDropsAnywhere(onDrop), [])
}

function takeDropsAnywhere(take: (file: File) => void): () => void {
  const mark = (isOver: boolean) => {
    document.documentElement.toggleAttribute('data-dropping', isOver)
  }
  const onOver = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'copy'
    mark(true)
  }
  const onLeave = (event: DragEvent) => {
    if (event.relatedTarget === null) mark(false)
  }
  const onDrop = (event: DragEvent) => {
    event.preventDefault()
    mark(false)
    const [file] = event.dataTransfer?.files ?? []
    if (file) take(file)
  }
  addEventListener('dragover', onOver)
  addEventListener('dragleave', onLeave)
  addEventListener('drop', onDrop)
  return () => {
    removeEventListener('dragover', onOver)
    removeEventListener('dragleave', onLeave)
    removeEventListener('drop', onDrop)
    mark(false)
  }
}
