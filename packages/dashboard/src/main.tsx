/** The dashboard: providers around the router. */
import '@fontsource-variable/inter/wght.css'
import '@mantine/core/styles.layer.css'
import '@mantine/notifications/styles.layer.css'
import './style.css'
import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { ApiError } from '@updraft/api/client'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { sessionQuery } from './data/session.ts'
import { createDashboardRouter } from './routes.tsx'
import { theme } from './theme.ts'

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      // A refusal stays a refusal; only silence and faults are worth another try.
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status < 500),
    },
  },
})

// A session that ended leads to the sign-in, whatever was being read.
queries.getQueryCache().subscribe(({ query }) => {
  const { error } = query.state
  const hasSession = Boolean(queries.getQueryData(sessionQuery.queryKey))
  if (error instanceof ApiError && error.status === 401 && hasSession) {
    queries.setQueryData(sessionQuery.queryKey, null)
    void router.invalidate()
  }
})

const router = createDashboardRouter(queries)

const root = document.getElementById('root')
if (!root) throw new Error('The page has no root.')
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
