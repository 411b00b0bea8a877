/** Values that are neither text nor number. */
import { DomainError, type Json } from '@updraft/core'
import { type ValueNode, valueFromASTUntyped } from 'graphql'
import { builder } from './builder.ts'
import { Upload } from './upload.ts'

builder.scalarType('DateTime', {
  description: 'RFC 3339, UTC, milliseconds: 2026-01-31T12:00:00.000Z',
  serialize: (value) => value,
  parseValue: (value) => {
    const time = typeof value === 'string' ? new Date(value) : null
    if (time && !Number.isNaN(time.getTime())) return time.toISOString()
    throw new DomainError('request.malformed', 'A DateTime is a text such as 2026-01-31T12:00:00Z.')
  },
})

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value as Json,
  parseLiteral: (node: ValueNode, variables) => valueFromASTUntyped(node, variables) as Json,
})

builder.scalarType('Upload', {
  description: 'A file, in a part of a multipart request.',
  serialize: () => {
    throw new Error('A file is never in an answer.')
  },
  parseValue: (value) => {
    if (value instanceof Upload) return value
    // The name of the part it comes in, where no map says which variable is which file.
    if (typeof value === 'string') return new Upload(value)
    throw new DomainError('request.malformed', 'A file comes in a part of a multipart request.')
  },
})
