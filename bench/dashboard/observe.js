// In the page, from its first moment on: what it paints and how long the browser was busy. Read by tab.ts.
;(() => {
  const seen = { first: Number.NaN, largest: 0, shift: 0, tasks: [], frames: [] }
  window.seen = seen
  const on = (type, take) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({
      type,
      buffered: true,
    })
  on('paint', ({ name, startTime }) => {
    if (name === 'first-contentful-paint') seen.first = startTime
  })
  on('largest-contentful-paint', ({ startTime }) => {
    seen.largest = startTime
  })
  on('layout-shift', ({ value, hadRecentInput }) => {
    if (!hadRecentInput) seen.shift += value
  })
  on('longtask', ({ duration }) => seen.tasks.push(duration))
  let before = performance.now()
  const frame = (now) => {
    seen.frames.push(now - before)
    before = now
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
})()
