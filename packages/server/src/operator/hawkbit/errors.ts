/** Refusals as hawkBit tells them: its exception, its code, and our sentence. Sources in docs/hawkbit-management.md. */
import { type DomainError, ERROR_KINDS, type ErrorCode, type ErrorKind } from '@updraft/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { refusalOf } from '../problem.ts'

interface Told {
  readonly status: number
  /** The class hawkBit throws, without its package. */
  readonly exception: string
  /** Behind `hawkbit.server.error.` */
  readonly code: string
}

const OF_KIND: Readonly<Record<ErrorKind, Told>> = {
  unauthenticated: {
    status: 401,
    exception: 'InsufficientPermissionException',
    code: 'insufficientpermission',
  },
  denied: {
    status: 403,
    exception: 'InsufficientPermissionException',
    code: 'insufficientpermission',
  },
  unknown: { status: 404, exception: 'EntityNotFoundException', code: 'repo.entitiyNotFound' },
  conflict: {
    status: 409,
    exception: 'EntityAlreadyExistsException',
    code: 'repo.entitiyAlreayExists',
  },
  malformed: {
    status: 400,
    exception: 'MessageNotReadableException',
    code: 'rest.body.notReadable',
  },
  invalid: { status: 400, exception: 'ValidationException', code: 'repo.constraintViolation' },
  outdated: {
    status: 409,
    exception: 'ConcurrentModificationException',
    code: 'repo.concurrentModification',
  },
  'too-large': {
    status: 413,
    exception: 'FileSizeQuotaExceededException',
    code: 'quota.tooManyEntries',
  },
  'too-many': {
    status: 429,
    exception: 'AssignmentQuotaExceededException',
    code: 'quota.tooManyEntries',
  },
  away: { status: 503, exception: 'GenericServerException', code: 'repo.genericError' },
  full: {
    status: 507,
    exception: 'ArtifactUploadFailedException',
    code: 'artifact.uploadFailed',
  },
}

const OF_CODE: Readonly<Partial<Record<ErrorCode, Partial<Told>>>> = {
  'hawkbit.unsupported': {
    exception: 'OperationNotSupportedException',
    code: 'operation.notSupported',
  },
  'assignment.invalid': {
    exception: 'InvalidMaintenanceScheduleException',
    code: 'maintenanceScheduleInvalid',
  },
  'distribution-set.invalid': {
    exception: 'IncompleteDistributionSetException',
    code: 'distributionset.incomplete',
  },
  // A module that was assigned is locked in hawkBit, and so is what is in it.
  'release.in-use': { status: 423, exception: 'LockedException', code: 'entitiylocked' },
  'operation.already-ended': {
    status: 405,
    exception: 'CancelActionNotAllowedException',
    code: 'action.notcancelable',
  },
  'artifact.checksum-mismatch': {
    exception: 'ArtifactUploadFailedException',
    code: 'artifact.uploadFailed',
  },
  'settings.invalid': {
    exception: 'TenantConfigurationValidatorException',
    code: 'configValueInvalid',
  },
}

export function answerHawkbitError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const refusal = refusalOf(error)
  if (!refusal) {
    request.log.error({ err: error }, 'a bug')
    const message = `Look for request ${request.id} in the server's log.`
    return send(
      reply,
      { status: 500, ...bodyOf('GenericServerException', 'repo.genericError') },
      message,
    )
  }
  if (refusal.code === 'store.away') {
    request.log.warn({ err: refusal.cause ?? refusal }, refusal.message)
  }
  const { status, exception, code } = toldOf(refusal)
  if (status === 401) return challenge(request, reply)
  return send(reply, { status, ...bodyOf(exception, code) }, refusal.message)
}

const toldOf = ({ code }: DomainError): Told => ({
  ...OF_KIND[ERROR_KINDS[code]],
  ...OF_CODE[code],
})

const bodyOf = (exception: string, code: string) => ({
  exceptionClass: `org.eclipse.hawkbit.repository.exception.${exception}`,
  errorCode: `hawkbit.server.error.${code}`,
})

const send = (
  reply: FastifyReply,
  { status, ...body }: { status: number; exceptionClass: string; errorCode: string },
  message: string,
): FastifyReply => reply.status(status).send({ ...body, message })

/** Nothing in it, as hawkBit's; a browser is not asked, so that it never sends a password by itself. */
function challenge(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (request.headers['sec-fetch-site'] === undefined) {
    reply.header('www-authenticate', 'Basic realm="hawkBit", charset="UTF-8"')
  }
  return reply.status(401).send()
}
