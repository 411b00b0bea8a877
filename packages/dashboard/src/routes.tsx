/** Every address of the dashboard, and the page that stands there. */
import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { sessionQuery } from './data/session.ts'
import { Frame } from './frame/frame.tsx'
import { NotFound } from './pages/not-found.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { Trouble } from './parts/trouble.tsx'

interface Context {
  readonly queries: QueryClient
}

/** The state of a list stands in the address as texts. */
const texts = (search: Record<string, unknown>): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(search).flatMap(([key, value]) =>
      value === undefined || value === '' ? [] : [[key, String(value)]],
    ),
  )

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  notFoundComponent: NotFound,
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: texts,
  component: SignIn,
})

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: async ({ context: { queries }, location }) => {
    const session = await queries.ensureQueryData(sessionQuery)
    if (!session) throw redirect({ to: '/sign-in', search: { to: location.href } })
  },
  errorComponent: ({ error, reset }) => <Trouble error={error} onRetry={reset} />,
  component: Frame,
})

const overview = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/overview.tsx'), 'Overview'),
})

const devices = createRoute({
  getParentRoute: () => inside,
  path: '/devices',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/devices.tsx'), 'Devices'),
})

const device = createRoute({
  getParentRoute: () => devices,
  path: '$deviceId',
  component: lazyRouteComponent(() => import('./pages/device.tsx'), 'Device'),
})

const waiting = createRoute({
  getParentRoute: () => inside,
  path: '/waiting',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/waiting.tsx'), 'Waiting'),
})

const packages = createRoute({
  getParentRoute: () => inside,
  path: '/packages',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/packages.tsx'), 'Packages'),
})

const release = createRoute({
  getParentRoute: () => packages,
  path: '$releaseId',
  component: lazyRouteComponent(() => import('./pages/release.tsx'), 'Release'),
})

const campaigns = createRoute({
  getParentRoute: () => inside,
  path: '/campaigns',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/campaigns.tsx'), 'Campaigns'),
})

const campaign = createRoute({
  getParentRoute: () => campaigns,
  path: '$campaignId',
  component: lazyRouteComponent(() => import('./pages/campaign.tsx'), 'Campaign'),
})

const newCampaign = createRoute({
  getParentRoute: () => inside,
  path: '/campaigns/new',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/campaign-form.tsx'), 'NewCampaign'),
})

const editCampaign = createRoute({
  getParentRoute: () => inside,
  path: '/campaigns/$campaignId/edit',
  component: lazyRouteComponent(() => import('./pages/campaign-form.tsx'), 'EditCampaign'),
})

const groups = createRoute({
  getParentRoute: () => inside,
  path: '/groups',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/groups.tsx'), 'Groups'),
})

const group = createRoute({
  getParentRoute: () => groups,
  path: '$groupId',
  component: lazyRouteComponent(() => import('./pages/group.tsx'), 'Group'),
})

const channel = createRoute({
  getParentRoute: () => groups,
  path: 'channel/$channelId',
  component: lazyRouteComponent(() => import('./pages/channel.tsx'), 'Channel'),
})

const policies = createRoute({
  getParentRoute: () => inside,
  path: '/policies',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/policies.tsx'), 'Policies'),
})

const policy = createRoute({
  getParentRoute: () => policies,
  path: '$releaseId',
  component: lazyRouteComponent(() => import('./pages/policy.tsx'), 'Policy'),
})

const newPolicy = createRoute({
  getParentRoute: () => inside,
  path: '/policies/new',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/policy-form.tsx'), 'NewPolicy'),
})

const editPolicy = createRoute({
  getParentRoute: () => inside,
  path: '/policies/$releaseId/edit',
  component: lazyRouteComponent(() => import('./pages/policy-form.tsx'), 'EditPolicy'),
})

const profiles = createRoute({
  getParentRoute: () => inside,
  path: '/profiles',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/profiles.tsx'), 'Profiles'),
})

const profile = createRoute({
  getParentRoute: () => profiles,
  path: '$profileId',
  component: lazyRouteComponent(() => import('./pages/profile.tsx'), 'Profile'),
})

const boxes = createRoute({
  getParentRoute: () => inside,
  path: '/boxes',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/boxes.tsx'), 'Boxes'),
})

const box = createRoute({
  getParentRoute: () => boxes,
  path: '$deviceId',
  component: lazyRouteComponent(() => import('./pages/device.tsx'), 'Box'),
})

const audit = createRoute({
  getParentRoute: () => inside,
  path: '/audit',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/audit.tsx'), 'Audit'),
})

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('./pages/settings.tsx'), 'Settings'),
  // As the parts were addressed once; people have kept such links.
  beforeLoad: ({ search: { part } }) => {
    if (part !== undefined) throw redirect({ to: '/settings/$part', params: { part } })
  },
})

const settingsPart = createRoute({
  getParentRoute: () => settings,
  path: '$part',
})

const start = createRoute({
  getParentRoute: () => inside,
  path: '/start',
  component: lazyRouteComponent(() => import('./pages/start.tsx'), 'Start'),
})

export function createDashboardRouter(queries: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([
      signIn,
      inside.addChildren([
        overview,
        devices.addChildren([device]),
        waiting,
        packages.addChildren([release]),
        newCampaign,
        editCampaign,
        campaigns.addChildren([campaign]),
        newPolicy,
        editPolicy,
        policies.addChildren([policy]),
        profiles.addChildren([profile]),
        groups.addChildren([group, channel]),
        boxes.addChildren([box]),
        audit,
        settings.addChildren([settingsPart]),
        start,
      ]),
    ]),
    context: { queries },
    defaultPreload: 'intent',
    scrollRestoration: true,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createDashboardRouter>
  }
}
