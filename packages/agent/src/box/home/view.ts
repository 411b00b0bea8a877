/** The page: parts by name, each made anew when what it shows has changed. It reads well without a line of script. */
import type { EndedJob, Job } from '../jobs.ts'
import type { BoxLayerName, LayerProgress, LayerRelease } from '../layer.ts'
import { handlersIn } from './handlers.ts'
import { type Html, html } from './html.ts'
import { type Icon, icon } from './icons.ts'
import type { BoxStatus, LayerView } from './status.ts'
import { bytesText, durationText, JOB_NAMES, LAYER_NAMES, timeText } from './words.ts'

/** Who looks: with the token of their forms once they have shown the PIN. */
export interface Viewer {
  readonly csrf: string | null
}

export const PARTS = {
  header,
  notices,
  job,
  layers,
  handlers,
  server,
  machine,
  settings,
} as const
export type PartName = keyof typeof PARTS

export const partNames = Object.keys(PARTS) as PartName[]

export const part = (name: PartName, status: BoxStatus, viewer: Viewer): string =>
  PARTS[name](status, viewer).text

const LAYERS: readonly BoxLayerName[] = ['handlers', 'code', 'image']

export function homePage(status: BoxStatus, viewer: Viewer, said: string | null): string {
  const slot = (name: PartName) => html`<div id="part-${name}">${PARTS[name](status, viewer)}</div>`
  return document(
    nameOf(status),
    html`${slot('header')}
<main id="main">
  <p class="said" id="said" role="status" ${said === null ? html`hidden` : ''}>${said}</p>
  ${slot('notices')}${slot('job')}${slot('layers')}
  <div class="columns">
    <div>${slot('handlers')}</div>
    <div>${slot('server')}${slot('machine')}</div>
  </div>
  ${slot('settings')}
</main>
<div class="away" id="away" hidden role="alert"><div class="away-card"><div class="spinner" aria-hidden="true"></div>
<p class="away-title" id="away-title">The box restarts</p><p id="away-text">This page waits for it. It is safe to unplug the box.</p></div></div>`,
    { start: status.start },
  )
}

export function signInPage(status: BoxStatus, because: string | null): string {
  return document(
    `Sign in · ${nameOf(status)}`,
    html`<main id="main" class="narrow"><section class="card">
<h1>Sign in to ${nameOf(status)}</h1>
<p class="quiet">The PIN was printed when the box started for the first time.</p>
${because ? html`<p class="trouble" role="alert">${icon('cross')}${because}</p>` : ''}
<form method="post" action="/api/sign-in">
<label for="pin">PIN</label>
<input id="pin" name="pin" type="password" inputmode="numeric" autocomplete="current-password" required autofocus>
<button class="primary">Sign in</button>
</form><p><a href="/">Back to the box</a></p></section></main>`,
  )
}

export interface ShownLine {
  readonly at: string
  readonly level: string
  readonly message: string
}

export function logsPage(status: BoxStatus, viewer: Viewer, lines: readonly ShownLine[]): string {
  return document(
    `Logs · ${nameOf(status)}`,
    html`<div id="part-header">${header(status, viewer)}</div><main id="main">
<section class="card"><div class="card-head"><h2>Logs</h2><a class="button" href="/">Back to the box</a></div>
<p class="quiet">The newest comes first. They outlive a power cut, and go to the server when it can be reached.</p>
<ol class="log" tabindex="0" aria-label="Log lines">${lines
      .toReversed()
      .map(
        ({ at, level, message }) =>
          html`<li class="log-${level}"><time datetime="${at}">${timeText(at)}</time><b>${level}</b><span>${message}</span></li>`,
      )}</ol>
</section></main>`,
    { start: status.start },
  )
}

function document(title: string, body: Html, { start = '' }: { start?: string } = {}): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/static/box.svg">
<link rel="stylesheet" href="/static/home.css">
<script type="module" src="/static/home.js"></script>
</head>
<body data-start="${start}">
<a class="skip" href="#main">To the content</a>
${body}
</body>
</html>
`.text
}

const nameOf = ({ name, machine }: BoxStatus): string => name ?? machine.hostName

function header(status: BoxStatus, { csrf }: Viewer): Html {
  const { identity, network, contact, server } = status
  const address = network.flatMap(({ addresses }) => addresses)[0]
  const facts = [identity.serial ?? identity.identifier, address].filter(
    (each) => each !== undefined,
  )
  return html`<header class="top"><div class="top-in">
<img class="mark" src="/static/box.svg" alt="" width="36" height="36">
<div class="who"><h1><a href="/">${nameOf(status)}</a></h1><p class="mono quiet">${facts.join(' · ')}</p></div>
<div class="top-state">${
    status.phase === 'starting'
      ? pill('info', 'clock', 'starting')
      : contactPill(contact.state, server !== null)
  }${
    csrf
      ? html`<form method="post" action="/api/sign-out">${token(csrf)}<button>Sign out</button></form>`
      : html`<a class="button" href="/sign-in">Sign in</a>`
  }</div>
</div></header>`
}

function contactPill(state: BoxStatus['contact']['state'], hasServer: boolean): Html {
  if (!hasServer) return pill('attention', 'hand', 'no server set')
  switch (state) {
    case 'reached':
      return pill('good', 'check', 'server reached')
    case 'away':
      return pill('bad', 'cross', 'server away')
    case 'waiting':
      return pill('attention', 'clock', 'waits to be claimed')
    case 'registering':
    case 'none':
      return pill('info', 'clock', 'connecting')
    default:
      return state satisfies never
  }
}

function notices({ held, phase, contact, server }: BoxStatus): Html {
  return html`${
    !server &&
    html`<p class="notice away-notice">${icon('hand')}<span>This box belongs to no server yet. <a href="#server">Set its server</a>, and updates come from there.</span></p>`
  }${
    held &&
    html`<p class="notice held">${icon('pause')}<span>${held.because}${
      held.until && html` Until <time datetime="${held.until}">${timeText(held.until)}</time>.`
    }</span></p>`
  }${
    phase === 'starting' &&
    html`<p class="notice">${icon('clock')}<span>The box is starting, and looks at what was going on before. Safe to unplug: yes.</span></p>`
  }${
    phase === 'leaving' &&
    html`<p class="notice">${icon('clock')}<span>The box restarts.</span></p>`
  }${
    server &&
    contact.because &&
    html`<p class="notice away-notice">${icon('hand')}<span>${contact.because} The box goes on with what it has, and asks again by itself.</span></p>`
  }`
}

function job({ job: now }: BoxStatus): Html {
  if (!now) return html``
  return html`<section class="card job" aria-label="What the box is doing">
<div class="card-head"><h2>${JOB_NAMES[now.kind]}${now.kind === 'roll-back' && now.layer ? html`: ${LAYER_NAMES[now.layer]}` : ''}</h2>
<span class="safe">${icon('plug')}Safe to unplug: yes</span></div>
<p class="job-about">${now.about && html`<b class="mono">${now.about}</b>`}<span>${startedBy(now)}${now.note && html` ${now.note}`}</span></p>
${progressBar(now.progress)}</section>`
}

const startedBy = ({ by }: Job): string =>
  ({
    page: 'Asked for at this page.',
    operator: 'Asked for by an operator.',
    automatic: 'Started by itself.',
  })[by]

function progressBar(progress: LayerProgress | null): Html {
  const phase = progress?.phase ?? 'checking'
  const {
    bytes = null,
    totalBytes = null,
    bytesPerSecond = null,
    secondsLeft = null,
  } = progress ?? {}
  const share = bytes !== null && totalBytes ? Math.min(1, bytes / totalBytes) : null
  const figures = [
    bytes === null
      ? null
      : `${bytesText(bytes)}${totalBytes ? ` of ${bytesText(totalBytes)}` : ''}`,
    bytesPerSecond === null ? null : `${bytesText(bytesPerSecond)}/s`,
    secondsLeft === null ? null : `${durationText(secondsLeft)} left`,
  ].filter((figure) => figure !== null)
  return html`<div class="progress"><div class="progress-words"><b>${phase}</b><span class="figures">${figures.join(' · ')}</span>${
    share !== null && html`<span class="percent">${Math.floor(share * 100)} %</span>`
  }</div><progress max="100" ${share === null ? '' : html`value="${Math.round(share * 1000) / 10}"`} aria-label="Progress"></progress></div>`
}

function layers(status: BoxStatus, viewer: Viewer): Html {
  return html`<div class="layers">${LAYERS.map((name) => layerCard(name, status, viewer))}</div>`
}

function layerCard(name: BoxLayerName, status: BoxStatus, viewer: Viewer): Html {
  const layer = status.layers[name]
  const { active, previous, trial, refusal, last, waiting, history } = layer
  return html`<section class="card layer" aria-labelledby="layer-${name}">
<div class="card-head"><h2 id="layer-${name}">${LAYER_NAMES[name]}</h2>${statePill(layer)}</div>
<p class="version mono" data-layer="${name}">${active ? active.version : 'none'}</p>
<p class="quiet title">${active ? active.title : 'Nothing is installed yet.'}</p>
<dl class="facts">
${active && fact('Installed', html`<time datetime="${active.installedAt}">${timeText(active.installedAt)}</time>`)}
${previous && fact('Previous', html`<span class="mono">${previous.version}</span>`)}
${trial && fact('On trial', html`<span class="mono">${trial.version}</span>`)}
${fact('Channel', channelOf(name, layer, status))}
</dl>
${last && resultLine(last)}
${refusal && html`<p class="result neutral">${icon('dash')}<span>${refusal.because} ${refusal.instead}</span></p>`}
${!refusal && waiting && html`<p class="result waits">${icon('pause')}<span><b>${waiting.version}</b> waits: ${waiting.because}</span></p>`}
<div class="actions">${!refusal && mainAction(name, layer, status, viewer)}${
    !refusal && previous && rollBack(name, previous, status, viewer)
  }</div>
${
  history.length > 0 &&
  html`<details id="history-${name}"><summary>History</summary><ol class="history">${history
    .slice(0, 12)
    .map(
      ({ kind, at, release, because }) =>
        html`<li class="${RESULTS[kind].tone}">${icon(RESULTS[kind].icon)}<div><b>${RESULTS[kind].word}${
          release && html` <span class="mono">${release.version}</span>`
        }</b> <time datetime="${at}">${timeText(at)}</time>${because && html`<p>${because}</p>`}</div></li>`,
    )}</ol></details>`
}
</section>`
}

const channelOf = (name: BoxLayerName, { channel, updates }: LayerView, { series }: BoxStatus) =>
  html`${name === 'code' ? (series ?? 'no series yet') : (channel ?? 'not told yet')}, ${
    updates === 'automatic' ? 'automatic' : 'by the button only'
  }`

function statePill({ refusal, trial, active, last }: LayerView): Html {
  if (refusal) return pill('neutral', 'dash', 'not here')
  if (trial) return pill('info', 'gear', 'on trial')
  if (last?.result === 'failed') return pill('bad', 'cross', 'last update failed')
  if (last?.result === 'rolled-back') return pill('attention', 'back', 'went back')
  return active ? pill('good', 'check', 'running') : pill('neutral', 'dash', 'none yet')
}

const RESULTS: Readonly<
  Record<EndedJob['result'], { readonly word: string; readonly tone: string; readonly icon: Icon }>
> = {
  updated: { word: 'Updated', tone: 'good', icon: 'check' },
  unchanged: { word: 'Unchanged', tone: 'neutral', icon: 'dash' },
  failed: { word: 'Failed', tone: 'bad', icon: 'cross' },
  'rolled-back': { word: 'Went back', tone: 'attention', icon: 'back' },
  done: { word: 'Done', tone: 'good', icon: 'check' },
}

function resultLine({ result, because, about, endedAt, note }: EndedJob): Html {
  const { word, tone, icon: sign } = RESULTS[result]
  return html`<p class="result ${tone}">${icon(sign)}<span><b>${word}${about && html` ${about}`}</b> <time datetime="${endedAt}">${timeText(
    endedAt,
  )}</time>${because && html`<br>${because}`}${note && html`<br>${note}`}</span></p>`
}

function mainAction(name: BoxLayerName, layer: LayerView, status: BoxStatus, viewer: Viewer): Html {
  const { waiting } = layer
  switch (name) {
    case 'handlers':
      return action('load-handlers', 'Load handlers', status, viewer, { isPrimary: true })
    case 'code':
      return action('update-code', 'Update', status, viewer, { isPrimary: true })
    case 'image': {
      const label = waiting ? `Upgrade to ${waiting.version}` : 'Look for an upgrade'
      return action('upgrade-image', label, status, viewer, { isPrimary: waiting !== null })
    }
    default:
      return name satisfies never
  }
}

const rollBack = (
  name: BoxLayerName,
  { version }: LayerRelease,
  status: BoxStatus,
  viewer: Viewer,
) =>
  action('roll-back', `Roll back to ${version}`, status, viewer, {
    fields: { layer: name },
    asks: `${LAYER_NAMES[name]} go back to ${version}.`,
  })

/** A button that changes something: who has not shown the PIN is led to where they can. */
function action(
  path: string,
  label: string,
  { job: now, phase }: BoxStatus,
  { csrf }: Viewer,
  {
    isPrimary = false,
    fields = {},
    asks = null,
  }: { isPrimary?: boolean; fields?: Record<string, string>; asks?: string | null } = {},
): Html {
  const look = isPrimary ? html`class="primary"` : ''
  if (!csrf)
    return html`<a class="button ${isPrimary ? 'primary' : ''}" href="/sign-in">${label}</a>`
  const isSame = now !== null && path === now.kind && (fields.layer ?? now.layer) === now.layer
  const isBusy = phase !== 'running' || (now !== null && !isSame)
  return html`<form method="post" action="/api/${path}" data-act ${asks && html`data-asks="${asks}"`}>${token(csrf)}${Object.entries(
    fields,
  ).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}<button id="do-${path}${Object.values(fields).join('')}" ${look} ${isBusy && html`disabled`}>${label}</button></form>`
}

const token = (csrf: string): Html => html`<input type="hidden" name="csrf" value="${csrf}">`

function handlers(status: BoxStatus, viewer: Viewer): Html {
  const list = handlersIn(status.layers.handlers.details)
  return html`<section class="card" id="handlers" aria-labelledby="handlers-title"><div class="card-head"><h2 id="handlers-title">Handlers list</h2>
${action('load-handlers', 'Load handlers', status, viewer)}</div>
${
  list.length === 0
    ? html`<p class="quiet">No handlers are loaded. They come from the server.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label="Files and devices"><table><thead><tr><th scope="col">File</th><th scope="col">State</th><th scope="col">Devices</th></tr></thead><tbody>${list.map(
        ({ file, state, tone, error, devices }) =>
          html`<tr><td class="mono">${file}</td><td><span class="state ${tone}">${icon(
            tone === 'good' ? 'check' : tone === 'bad' ? 'cross' : 'dash',
          )}${state}</span>${error && html`<p class="error">${error}</p>`}</td><td>${
            devices.length === 0 ? html`<span class="quiet">none</span>` : devices.join(', ')
          }</td></tr>`,
      )}</tbody></table></div>`
}</section>`
}

function server(status: BoxStatus, { csrf }: Viewer): Html {
  const { server: now, contact, series } = status
  return html`<section class="card" id="server" aria-labelledby="server-title"><div class="card-head"><h2 id="server-title">Server</h2>${contactPill(contact.state, now !== null)}</div>
${
  now
    ? html`<dl class="facts">${fact('Address', html`<a class="mono" href="${now.url}" rel="noreferrer">${now.url}</a>`)}${fact(
        'Last contact',
        contact.at
          ? html`<time datetime="${contact.at}">${timeText(contact.at)}</time>`
          : 'not since it started',
      )}${series && fact('Series', html`<span class="mono">${series}</span>`)}</dl>`
    : html`<p>Paste the token of your server here: the one that <code>updraft box show</code> prints, or address and token of this box.</p>`
}
${
  csrf
    ? html`<div class="actions">${
        now &&
        html`<form method="post" action="/api/check-now" data-act>${token(csrf)}<button>Ask now</button></form>`
      }${
        now &&
        !now.isFixed &&
        html`<form method="post" action="/api/server/clear" data-act data-asks="The box no longer belongs to this server.">${token(csrf)}<button>Clear server</button></form>`
      }</div>${
        now?.isFixed
          ? html`<p class="quiet">It is set by the settings of the program.</p>`
          : html`<details id="set-server" ${now === null && html`open`}><summary>${now ? 'Set another server' : 'Set the server'}</summary>
<form method="post" action="/api/server" data-act>${token(csrf)}
<label for="server-token">Token of the server</label><input id="server-token" name="token" type="text" autocomplete="off" spellcheck="false" required>
<label for="server-url">Address, if the token has none in it</label><input id="server-url" name="url" type="url" autocomplete="off" placeholder="https://updates.example">
<button class="primary">Set server</button></form></details>`
      }`
    : html`<p class="quiet">Sign in to change it.</p>`
}</section>`
}

function machine(status: BoxStatus): Html {
  const { identity, network, kind, machine: now, version, layers: all, networkNotes } = status
  const slot = slotIn(all.image.details)
  return html`<section class="card" aria-labelledby="machine-title"><h2 id="machine-title">This box</h2><dl class="facts">
${fact('Name', nameOf(status))}
${fact('Kind', kind)}
${identity.model && fact('Model', identity.model)}
${fact('Serial', html`<span class="mono">${identity.serial ?? identity.identifier}</span>`)}
${network.map(({ name, mac, addresses }) =>
  fact(
    name,
    html`<span class="mono">${addresses.join(', ')}</span><br><span class="mono quiet">${mac}</span>`,
  ),
)}
${networkNotes && fact('Network', networkNotes)}
${slot && fact('Boot slot', html`<span class="mono">${slot}</span>`)}
${now.freeBytes !== null && fact('Free space', bytesText(now.freeBytes))}
${fact('System up', durationText(now.systemUpSeconds))}
${fact('Program up', durationText(now.programUpSeconds))}
${fact('Agent', html`<span class="mono">${version}</span>`)}
</dl></section>`
}

function slotIn(details: unknown): string | null {
  const running = (details as { slot?: unknown; running?: unknown } | null) ?? {}
  const slot = running.running ?? running.slot
  return typeof slot === 'string' ? slot : null
}

function settings(status: BoxStatus, viewer: Viewer): Html {
  const { csrf } = viewer
  if (!csrf) {
    return html`<section class="card"><h2>Settings</h2><p class="quiet"><a href="/sign-in">Sign in</a> with the PIN to see logs, to restart the box, and to change what it is set to.</p></section>`
  }
  return html`<section class="card" aria-labelledby="settings-title"><div class="card-head"><h2 id="settings-title">Settings</h2><a class="button" href="/logs">Logs</a></div>
<div class="actions">${action('restart', 'Restart the program', status, viewer, {
    fields: { what: 'program' },
    asks: 'The program of the box restarts; that takes some seconds.',
  })}${
    status.kind === 'physical' &&
    action('restart', 'Restart the box', status, viewer, {
      fields: { what: 'machine' },
      asks: 'The whole box restarts; that takes a minute or two.',
    })
  }<a class="button" href="/api/config" download="box-config.json">Export configuration</a></div>
<div class="settings">
<details id="set-name"><summary>Name</summary><form method="post" action="/api/name" data-act>${token(csrf)}<label for="name">Name of the box</label><input id="name" name="name" maxlength="255" value="${status.name ?? ''}"><label for="network-notes">Notes on its network</label><input id="network-notes" name="network" maxlength="2000" value="${status.networkNotes}"><button class="primary">Save</button></form></details>
<details id="set-pin"><summary>PIN</summary><form method="post" action="/api/pin" data-act>${token(csrf)}<label for="new-pin">New PIN</label><input id="new-pin" name="pin" type="password" minlength="4" maxlength="32" autocomplete="new-password" required><button class="primary">Change PIN</button></form></details>
<details id="set-config"><summary>Configuration</summary>
<form method="post" action="/api/config/secrets"><input type="hidden" name="csrf" value="${csrf}"><label for="export-pin">PIN, for an export with secrets</label><input id="export-pin" name="pin" type="password" autocomplete="off" required><button>Export with secrets</button></form>
<form method="post" action="/api/config" data-act>${token(csrf)}<label for="import">Configuration to import</label><textarea id="import" name="config" rows="5" spellcheck="false" required></textarea><button class="primary">Import</button></form></details>
</div></section>`
}

const fact = (word: string, value: Html | string): Html =>
  html`<div><dt>${word}</dt><dd>${value}</dd></div>`

const pill = (tone: string, sign: Icon, word: string): Html =>
  html`<span class="pill ${tone}">${icon(sign)}${word}</span>`
