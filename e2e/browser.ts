/** People at browsers, for stories of the dashboard: what a page complains of fails the test that opened it. */
import { fileURLToPath } from 'node:url'
import { urlOf } from '@updraft/api/client'
import { ROUTES } from '@updraft/api/routes'
import type { Role } from '@updraft/core'
import type { BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../tools/chromium.ts'
import { ensureDashboard } from '../tools/dashboard.mjs'
import { hasCommand } from '../tools/services.mjs'
import { addOperator, quickHash } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** How long what is waited for may take to be seen. */
const PATIENCE_MS = 60_000

export const hasBrowser = hasCommand('chromium')

export interface Person {
  readonly name: string
  readonly password: string
}

export interface Window {
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
}

export interface TestBrowser {
  /** A browser of its own, in which nobody is signed in. */
  open(path: string, window?: Window): Promise<Page>
  /** A browser of its own, in which that person is signed in. */
  openAs(person: Person, path: string, window?: Window): Promise<Page>
  /** Closes what the test opened; rejects with what pages complained of meanwhile. */
  closeAll(): Promise<void>
  stop(): Promise<void>
}

export interface DashboardPlatform extends TestPlatform {
  readonly browser: TestBrowser
  /** Somebody who may sign in, with a password. */
  person(name: string, role: Role): Promise<Person>
}

/** A platform with its dashboard built, and a browser before it. */
export async function dashboardPlatform(): Promise<DashboardPlatform> {
  await ensureDashboard(ROOT, process.execPath)
  const platform = await testPlatform()
  const browser = await testBrowser(platform.url).catch(async (error) => {
    await platform.stop()
    throw error
  })
  return {
    ...platform,
    browser,
    person: async (name, role) => {
      const password = `the password of ${name}`
      await addOperator(platform, { name, role, passwordHash: quickHash(password) })
      return { name, password }
    },
    stop: async () => {
      await browser.stop()
      await platform.stop()
    },
  }
}

async function testBrowser(url: string): Promise<TestBrowser> {
  const browser = await launchBrowser()
  const contexts: BrowserContext[] = []
  const complaints: string[] = []
  const contextFor = async ({ scheme = 'light', width = 1440, height = 900 }: Window = {}) => {
    const context = await browser.newContext({
      baseURL: url,
      viewport: { width, height },
      colorScheme: scheme,
      // What moves would be looked at while it moves.
      reducedMotion: 'reduce',
    })
    contexts.push(context)
    context.setDefaultTimeout(PATIENCE_MS)
    context.on('page', (page) => listenTo(page, complaints))
    return context
  }
  const open = async (context: BrowserContext, path: string) => {
    const page = await context.newPage()
    await page.goto(path)
    return page
  }
  return {
    open: async (path, window) => open(await contextFor(window), path),
    openAs: async (person, path, window) => {
      const context = await contextFor(window)
      await signIn(context, person)
      return open(context, path)
    },
    closeAll: async () => {
      await Promise.all(contexts.splice(0).map((context) => context.close()))
      const found = complaints.splice(0)
      if (found.length > 0) throw new Error(`Pages complained:\n${found.join('\n')}`)
    },
    stop: () => browser.close(),
  }
}

/** As the page for it does, without the page. */
async function signIn(context: BrowserContext, person: Person): Promise<void> {
  const answer = await context.request.post(urlOf(ROUTES.signIn), { data: person })
  if (!answer.ok()) throw new Error(`${person.name} could not sign in: ${await answer.text()}`)
}

/** Errors of scripts, what the policy forbids, and files that are not there. What the API refuses, the page tells. */
function listenTo(page: Page, complaints: string[]): void {
  const say = (what: string) => complaints.push(`${new URL(page.url()).pathname}: ${what}`)
  page.on('pageerror', ({ message }) => say(message))
  page.on('console', (message) => {
    // The line itself is gone only where a story takes it away.
    const isTold = /^Failed to load resource: (the server responded|net::ERR_INTERNET_DISCONNECTED)/
    if (message.type() === 'error' && !isTold.test(message.text())) say(message.text())
  })
  page.on('response', (response) => {
    const isRefusal = response.status() < 500 && new URL(response.url()).pathname.startsWith('/api')
    if (response.status() >= 400 && !isRefusal) say(`${response.status()} for ${response.url()}`)
  })
}
