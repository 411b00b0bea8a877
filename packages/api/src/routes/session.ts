/** Who is signed in. */
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

export const SESSION_ROUTES = {
  signIn: {
    method: 'POST',
    path: '/session',
    summary: 'Sign in; the session comes as a cookie',
    tag: 'session',
    permission: 'anyone',
    body: shapes.SignIn,
    response: shapes.Session,
    isSecret: true,
  },
  showSession: {
    method: 'GET',
    path: '/session',
    summary: 'Who is signed in',
    tag: 'session',
    permission: 'operator',
    response: shapes.Session.partial({ csrfToken: true, expiresAt: true }),
  },
  signOut: {
    method: 'DELETE',
    path: '/session',
    summary: 'Sign out',
    tag: 'session',
    permission: 'operator',
    response: 'nothing',
  },
  signOutEverywhere: {
    method: 'DELETE',
    path: '/session/all',
    summary: 'End all your sessions, this one too',
    tag: 'session',
    permission: 'operator',
    response: 'nothing',
  },
  changePassword: {
    method: 'PUT',
    path: '/session/password',
    summary: 'Change your own password; your other sessions end',
    tag: 'session',
    permission: 'operator',
    body: shapes.PasswordChange,
    response: 'nothing',
  },
} as const satisfies Record<string, Route>
