// What the page does beyond showing: it stays true while it is looked at, sends forms without leaving, and waits for a box
// that restarts until it is the new start that answers.

const START = document.body.dataset.start
const away = document.getElementById('away')
const said = document.getElementById('said')
let isWaiting = false

showTimes(document)

if (START) {
  const events = new EventSource('/api/events?parts=1')
  events.addEventListener('part', ({ data }) => {
    const { name, html } = JSON.parse(data)
    show(name, html)
  })
  let silence
  events.addEventListener('open', () => clearTimeout(silence))
  events.addEventListener('error', () => {
    clearTimeout(silence)
    silence = setTimeout(() => void waitForStart('The box does not answer'), 1500)
  })
  document.addEventListener('submit', (event) => {
    if (!(event.target instanceof HTMLFormElement) || !event.target.matches('[data-act]')) return
    event.preventDefault()
    void send(event.target)
  })
}

/** Puts a part in place; what somebody is writing, has opened or stands on stays. */
function show(name, html) {
  const place = document.getElementById(`part-${name}`)
  if (!place || place.dataset.html === html) return
  const focused = document.activeElement
  const isTyping = place.contains(focused) && focused.matches('input:not([type=hidden]), textarea')
  const isFilled = [...place.querySelectorAll('input:not([type=hidden]), textarea')].some(
    (field) => field.value !== field.defaultValue,
  )
  if (isTyping || isFilled) return
  const open = [...place.querySelectorAll('details[open]')].map(({ id }) => id)
  const focusId = place.contains(focused) ? focused.id : ''
  place.dataset.html = html
  place.innerHTML = html
  for (const id of open) document.getElementById(id)?.setAttribute('open', '')
  if (focusId) document.getElementById(focusId)?.focus()
  showTimes(place)
}

/** In the time of whoever looks. */
function showTimes(place) {
  for (const time of place.querySelectorAll('time')) {
    const date = new Date(time.dateTime)
    if (Number.isNaN(date.getTime())) continue
    time.textContent = date.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })
  }
}

async function send(form) {
  const asks = form.dataset.asks
  if (asks && !window.confirm(asks)) return
  const button = form.querySelector('button')
  button?.setAttribute('aria-busy', 'true')
  try {
    const answer = await fetch(form.action, {
      method: 'POST',
      body: new URLSearchParams(new FormData(form)),
      headers: { accept: 'application/json' },
    })
    const body = await answer.json()
    if (answer.status === 401) {
      location.assign('/sign-in')
      return
    }
    tell(body.error ?? body.said, !answer.ok)
    if (!answer.ok) return
    for (const field of form.querySelectorAll('input:not([type=hidden]), textarea')) {
      field.defaultValue = field.value
    }
    form.closest('details')?.removeAttribute('open')
    if (body.job?.kind === 'restart' || body.job?.kind === 'reboot')
      void waitForStart('The box restarts')
    // Another PIN, another session.
    if (form.action.endsWith('/api/pin')) location.reload()
  } catch {
    tell('The box does not answer.', true)
  } finally {
    button?.removeAttribute('aria-busy')
  }
}

function tell(text, isTrouble) {
  if (!said) return
  said.textContent = text ?? ''
  said.hidden = !text
  said.classList.toggle('trouble', isTrouble)
}

/** Until another start of the program answers than the one that made this page, and it is up. */
async function waitForStart(title) {
  if (isWaiting) return
  const still = await ping()
  if (
    still?.start === START &&
    still.phase === 'running' &&
    still.job !== 'restart' &&
    still.job !== 'reboot'
  )
    return
  isWaiting = true
  document.getElementById('away-title').textContent = title
  away.hidden = false
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 750))
    const now = await ping()
    if (!now) continue
    if (now.start === START && now.phase === 'running' && !now.job) break
    if (now.start === START) continue
    if (now.phase === 'starting') {
      document.getElementById('away-title').textContent = 'The box is up again'
      document.getElementById('away-text').textContent =
        'It looks whether all is well before it stays with what is new.'
      continue
    }
    break
  }
  location.reload()
}

async function ping() {
  try {
    const answer = await fetch('/api/ping', { cache: 'no-store' })
    return answer.ok ? await answer.json() : null
  } catch {
    return null
  }
}
