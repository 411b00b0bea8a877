import { fileURLToPath } from 'node:url'
import { API_PREFIX, ROUTES, type Route } from '@updraft/api/routes'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** While the dashboard is worked on, its calls go to a server that runs already. */
const server = process.env.UPDRAFT_URL ?? 'http://127.0.0.1:8080'

/**
 * The table of routes as one who only calls needs it. What travels on them the server looks at, and the library that
 * does is a tenth of what a first visit would bring.
 */
function routesWithoutShapes(): Plugin {
  const whole = fileURLToPath(import.meta.resolve('@updraft/api/routes'))
  const kindOf = (shape: Route['body' | 'response']) => (typeof shape === 'string' ? shape : 'json')
  const rows = Object.entries<Route>(ROUTES).map(([name, { method, path, body, response }]) => [
    name,
    { method, path, body: body && kindOf(body), response: kindOf(response) },
  ])
  return {
    name: 'routes-without-shapes',
    load: (id) =>
      id === whole
        ? `export const API_PREFIX = '${API_PREFIX}'
           export const ROUTES = ${JSON.stringify(Object.fromEntries(rows))}`
        : undefined,
  }
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), routesWithoutShapes()],
  build: {
    outDir: 'dist',
    // Browsers that know light-dark(); it is left as it is written.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Never a `data:` script or font: the page's policy allows its own files only.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // What each page loads, for the test that holds its weight.
    manifest: 'manifest.json',
  },
  server: { proxy: { '/api': server } },
})
