import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** While the dashboard is worked on, its calls go to a server that runs already. */
const server = process.env.UPDRAFT_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
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
